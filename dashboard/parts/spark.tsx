import { sparkPoints } from "../model/series.ts";

interface SparkProps {
  readonly counts: ReadonlyMap<number, number>;
  readonly starts: readonly number[];
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
}

/** A line without axes: how it went, next to the number that says how much. */
export function Spark({ counts, starts, label, width = 120, height = 22 }: SparkProps) {
  const points = sparkPoints(counts, starts, width, height - 2);
  return (
    <svg
      class="spark"
      role="img"
      aria-label={label}
      viewBox={`0 -1 ${width} ${height}`}
      width={width}
      height={height}
      preserveAspectRatio="none"
    >
      <polygon class="spark-area" points={`0,${height - 2} ${points} ${width},${height - 2}`} />
      <polyline class="spark-line" points={points} />
    </svg>
  );
}
