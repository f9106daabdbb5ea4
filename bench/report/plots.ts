/** Draws figures over a scenario's axis as SVG, with vega. */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { type Entry, FIGURES, type Figure, type Scenario } from "../scenario.ts";
import { median, placesOf, valuesOf } from "./statistics.ts";

/** Told apart without colour too, by their brightness. */
const COLOURS = { domain: ["Samsa", "Kafka"], range: ["#1f5fa8", "#e08a2c"] };

/** Beyond this, the small ones of a figure cannot be told apart on a linear scale. */
const LARGEST_LINEAR_RATIO = 20;

interface Point {
  readonly system: string;
  readonly at: string | number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Null when there is nothing to draw. */
export async function plot(entries: readonly Entry[], scenario: Scenario, figure: Figure): Promise<string | null> {
  const points = pointsOf(entries, scenario.name, figure);
  if (points.length === 0) return null;
  const isNumeric = points.every(({ at }) => typeof at === "number");
  const { spec } = compile(isNumeric ? lines(points, scenario, figure) : bars(points, scenario, figure));
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  return await view.toSVG();
}

function pointsOf(entries: readonly Entry[], scenario: string, figure: Figure): Point[] {
  const systems = [...new Set(entries.map(({ system }) => system))];
  return placesOf(entries, scenario).flatMap(at =>
    systems.flatMap(system => {
      const values = valuesOf(entries, { scenario, system, at }, figure);
      if (values.length === 0) return [];
      return [{ system, at, value: median(values), low: Math.min(...values), high: Math.max(...values) }];
    }),
  );
}

function titleOf(scenario: Scenario, figure: Figure): TopLevelSpec["title"] {
  const subtitle = "median of the rounds; the thin line spans all of them";
  return { text: `${scenario.title}: ${FIGURES[figure].title}`, subtitle, anchor: "start" } as TopLevelSpec["title"];
}

const COMMON = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  background: "white",
  config: { font: "sans-serif", axis: { labelFontSize: 11, titleFontSize: 11 }, legend: { title: null } },
} as const;

function lines(points: readonly Point[], scenario: Scenario, figure: Figure): TopLevelSpec {
  const { title, unit } = FIGURES[figure];
  const hasZero = points.some(({ at }) => at === 0);
  const x = {
    field: "at",
    type: "quantitative",
    title: scenario.axis,
    scale: { type: hasZero ? "symlog" : "log", nice: false },
    axis: { grid: false, values: [...new Set(points.map(({ at }) => at as number))], format: ",d" },
  };
  const smallest = Math.min(...points.map(({ low }) => low));
  const isLogarithmic = smallest > 0 && Math.max(...points.map(({ high }) => high)) / smallest > LARGEST_LINEAR_RATIO;
  const scale = isLogarithmic ? { type: "log" } : { zero: true };
  const y = (field: string) => ({ field, type: "quantitative", title: `${title} (${unit})`, scale });
  const color = { field: "system", type: "nominal", scale: COLOURS };
  return {
    ...COMMON,
    title: titleOf(scenario, figure),
    width: 520,
    height: 260,
    data: { values: points as Point[] },
    layer: [
      { mark: { type: "line", point: true, strokeWidth: 2 }, encoding: { x, y: y("value"), color } },
      { mark: { type: "rule", strokeWidth: 1 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
    ],
  } as unknown as TopLevelSpec;
}

function bars(points: readonly Point[], scenario: Scenario, figure: Figure): TopLevelSpec {
  const { title, unit, digits } = FIGURES[figure];
  const y = { field: "at", type: "nominal", title: null, sort: null, axis: { labelLimit: 320 } };
  const yOffset = { field: "system", type: "nominal", scale: { domain: COLOURS.domain } };
  const x = (field: string) => ({ field, type: "quantitative", title: `${title} (${unit})`, axis: { tickCount: 6 } });
  const color = { field: "system", type: "nominal", scale: COLOURS };
  return {
    ...COMMON,
    title: titleOf(scenario, figure),
    width: 460,
    height: { step: 14 },
    data: { values: points as Point[] },
    encoding: { y, yOffset },
    layer: [
      { mark: { type: "bar" }, encoding: { x: x("value"), color } },
      { mark: { type: "rule", strokeWidth: 1 }, encoding: { x: x("low"), x2: { field: "high" } } },
      {
        mark: { type: "text", align: "left", dx: 4, fontSize: 10 },
        encoding: { x: x("high"), text: { field: "value", format: `,.${digits}f` } },
      },
    ],
  } as unknown as TopLevelSpec;
}
