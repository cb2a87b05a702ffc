import type { Axis, FigureId, Sample } from "./figures.ts";
import type { Spread } from "./statistics.ts";
import { spreadOf } from "./statistics.ts";

/** All that was measured in a run. */
export class Samples {
  readonly all: readonly Sample[];

  constructor(all: readonly Sample[]) {
    this.all = all;
  }

  /** By round. Of what is measured with ever more clicks: with the most, see `clicksOf`. */
  values(figure: FigureId, server: string): readonly number[] {
    const own = this.of(figure, server).filter(
      ({ axis }) => axis === undefined || axis === "clicks",
    );
    const most = this.clicksOf(figure, server);
    return own.filter(({ at }) => at === most).map(({ value }) => value);
  }

  /** The most clicks that it was measured with; undefined where that is no question. */
  clicksOf(figure: FigureId, server: string): number | undefined {
    const places = this.of(figure, server)
      .filter(({ axis }) => axis === "clicks")
      .map(({ at }) => at!);
    return places.length > 0 ? Math.max(...places) : undefined;
  }

  spread(figure: FigureId, server: string): Spread | undefined {
    return spreadOf(this.values(figure, server));
  }

  /** Who was measured, in the order of their first appearance. */
  servers(figures: readonly FigureId[]): string[] {
    return [
      ...new Set(
        this.all.filter(({ figure }) => figures.includes(figure)).map(({ server }) => server),
      ),
    ];
  }

  /** Along an axis, by what was measured where. */
  along(axis: Axis, figure: FigureId, server: string): { at: number; spread: Spread }[] {
    const own = this.of(figure, server).filter((sample) => sample.axis === axis);
    return [...new Set(own.map(({ at }) => at!))]
      .toSorted((a, b) => a - b)
      .map((at) => ({
        at,
        spread: spreadOf(own.filter((sample) => sample.at === at).map(({ value }) => value))!,
      }));
  }

  private of(figure: FigureId, server: string): Sample[] {
    return this.all.filter((sample) => sample.figure === figure && sample.server === server);
  }
}
