/** Draws figures over a scenario's axis as SVG, with vega. */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { type Entry, FIGURES, type Figure, type Scenario } from "../scenario.ts";
import { samsaFirst } from "./markdown.ts";
import { median, placesOf, valuesOf } from "./statistics.ts";

/** Told apart without colour too, by their brightness. */
const COLOURS: Readonly<Record<string, string>> = { Samsa: "#1f5fa8", Kafka: "#e08a2c" };

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
  const all = pointsOf(entries, scenario.name, figure);
  const points = scenario.isTimeline ? all.filter(({ at }) => typeof at === "number") : all;
  if (points.length === 0) return null;
  const isNumeric = points.every(({ at }) => typeof at === "number");
  const { spec } = compile(isNumeric ? lines(points, scenario, figure) : bars(points, scenario, figure));
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  return await view.toSVG();
}

function pointsOf(entries: readonly Entry[], scenario: string, figure: Figure): Point[] {
  const systems = [...new Set(entries.map(({ system }) => system))].sort(samsaFirst);
  return placesOf(entries, scenario).flatMap(at =>
    systems.flatMap(system => {
      const values = valuesOf(entries, { scenario, system, at }, figure);
      if (values.length === 0) return [];
      return [{ system, at, value: median(values), low: Math.min(...values), high: Math.max(...values) }];
    }),
  );
}

function titleOf(scenario: Scenario, figure: Figure): TopLevelSpec["title"] {
  const subtitle = scenario.isTimeline ? "" : "median of the rounds; the thin line spans all of them";
  return { text: `${scenario.title}: ${FIGURES[figure].title}`, subtitle, anchor: "start" } as TopLevelSpec["title"];
}

const COMMON = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  background: "white",
  config: { font: "sans-serif", axis: { labelFontSize: 11, titleFontSize: 11 }, legend: { title: null } },
} as const;

/** Colours of the systems that there are. */
function colourOf(points: readonly Point[]) {
  const domain = [...new Set(points.map(({ system }) => system))];
  return { field: "system", type: "nominal", scale: { domain, range: domain.map(name => COLOURS[name] ?? "#555") } };
}

/** A logarithmic scale, with some round numbers on its axis, where a linear one would hide what is small; null otherwise. */
function logarithmic(points: readonly Point[]): { scale: object; axis: object } | null {
  const smallest = Math.min(...points.map(({ low }) => low));
  const largest = Math.max(...points.map(({ high }) => high));
  if (smallest <= 0 || largest / smallest <= LARGEST_LINEAR_RATIO) return null;
  const decades = Array.from({ length: 15 }, (_, index) => 10 ** (index - 5));
  const isWide = largest / smallest > 1000;
  const values = decades.flatMap(decade => (isWide ? [decade] : [decade, 2 * decade, 5 * decade]));
  const inside = values.filter(value => value >= smallest / 2.5 && value <= largest * 2.5);
  const domain = [
    inside.findLast(value => value <= smallest) ?? smallest,
    inside.find(value => value >= largest) ?? largest,
  ];
  const labelExpr = "datum.value >= 1 ? format(datum.value, ',') : format(datum.value, '~r')";
  return { scale: { type: "log", domain, nice: false }, axis: { values: inside, labelExpr } };
}

function lines(points: readonly Point[], scenario: Scenario, figure: Figure): TopLevelSpec {
  const { title, unit } = FIGURES[figure];
  const hasZero = points.some(({ at }) => at === 0);
  const x = {
    field: "at",
    type: "quantitative",
    title: scenario.axis,
    ...(scenario.isTimeline
      ? { axis: { grid: false } }
      : {
          scale: { type: hasZero ? "symlog" : "log", nice: false },
          axis: {
            ...{ grid: false, format: ",d", labelOverlap: false, labelFlush: false, labelBound: false },
            values: [...new Set(points.map(({ at }) => at as number))],
          },
        }),
  };
  const log = logarithmic(points);
  const y = (field: string) => ({
    ...{ field, type: "quantitative", title: `${title} (${unit}${log === null ? "" : ", logarithmic"})` },
    ...(log ?? { scale: { zero: true } }),
  });
  const color = colourOf(points);
  return {
    ...COMMON,
    title: titleOf(scenario, figure),
    width: 520,
    height: 260,
    data: { values: points as Point[] },
    layer: [
      {
        mark: { type: "line", point: !scenario.isTimeline, strokeWidth: scenario.isTimeline ? 1.5 : 2 },
        encoding: { x, y: y("value"), color },
      },
      { mark: { type: "rule", strokeWidth: 1 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
    ],
  } as unknown as TopLevelSpec;
}

/** Bars; points where only a logarithmic scale shows all, since a bar's length would say nothing there. */
function bars(points: readonly Point[], scenario: Scenario, figure: Figure): TopLevelSpec {
  const { title, unit } = FIGURES[figure];
  const color = colourOf(points);
  const y = { field: "at", type: "nominal", title: null, sort: null, axis: { labelLimit: 480 } };
  const yOffset = { field: "system", type: "nominal", scale: { domain: color.scale.domain } };
  const log = logarithmic(points);
  const x = (field: string) => ({
    ...{ field, type: "quantitative", title: `${title} (${unit}${log === null ? "" : ", logarithmic"})` },
    ...(log ?? { axis: { tickCount: 6 } }),
  });
  const mark = log === null ? { type: "bar" } : { type: "point", filled: true, size: 70 };
  return {
    ...COMMON,
    title: titleOf(scenario, figure),
    width: 460,
    height: { step: 14 },
    data: { values: points as Point[] },
    encoding: { y, yOffset },
    layer: [
      { mark, encoding: { x: x("value"), color: { ...color } } },
      {
        mark: { type: "rule", strokeWidth: 1 },
        encoding: { x: x("low"), x2: { field: "high" }, ...(log === null ? null : { color }) },
      },
      {
        mark: { type: "text", align: "left", dx: log === null ? 4 : 7, fontSize: 10 },
        encoding: { x: x("high"), text: { field: "value", format: ",.3~r" } },
      },
    ],
  } as unknown as TopLevelSpec;
}
