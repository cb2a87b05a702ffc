import type { Metric, Registry } from "prom-client";

/**
 * A Prometheus histogram of which one observation stands for many equal ones: a record of ten thousand clicks costs what
 * a record of one does. prom-client's own counts each observation once.
 */
export class WeightedHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  private readonly bounds: readonly number[];
  /** Weight by bound, and beyond the last. */
  private readonly weights: Float64Array;
  private sum = 0;

  /** `buckets`: upper bounds, ascending. */
  constructor(options: {
    readonly name: string;
    readonly help: string;
    readonly buckets: readonly number[];
    readonly register: Registry;
  }) {
    this.name = options.name;
    this.help = options.help;
    this.bounds = options.buckets;
    this.weights = new Float64Array(this.bounds.length + 1);
    // Of a metric a registry uses its name and `get`.
    options.register.registerMetric(this as unknown as Metric);
  }

  observe(value: number, weight: number): void {
    const at = this.bounds.findIndex((bound) => value <= bound);
    this.weights[at === -1 ? this.bounds.length : at]! += weight;
    this.sum += value * weight;
  }

  get(): Promise<object> {
    let total = 0;
    const values = [...this.bounds, "+Inf"].map((le, at) => {
      total += this.weights[at]!;
      return { metricName: `${this.name}_bucket`, labels: { le }, value: total };
    });
    return Promise.resolve({
      name: this.name,
      help: this.help,
      type: this.type,
      values: [
        ...values,
        { metricName: `${this.name}_sum`, labels: {}, value: this.sum },
        { metricName: `${this.name}_count`, labels: {}, value: total },
      ],
    });
  }
}
