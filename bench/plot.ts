import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from './contest.ts';
import { type AmortisedAddition, amortise, standingsOf } from './report.ts';

/** What is drawn, and how its numbers are written. */
const FIGURES = [
  { name: 'seconds', title: 'Seconds', unit: 1 },
  { name: 'bytes', title: 'Megabytes to the registry', unit: 1e6 },
  { name: 'memory', title: 'Megabytes of memory', unit: 1e6 },
] as const;

type Figure = (typeof FIGURES)[number]['name'];

/** One job of one contestant: a value for each number of package versions. */
interface Line {
  readonly job: string;
  readonly who: string;
  readonly points: readonly { readonly versions: number; readonly values: Readonly<Record<Figure, number>> }[];
}

const COLOURS = ['#1f6feb', '#cf222e', '#1a7f37', '#9a6700', '#8250df', '#bf3989', '#57606a', '#0a3069'];
const [WIDTH, HEIGHT, LEFT, TOP, PLOT] = [900, 330, 70, 40, 250] as const;
const FONT = 'font-family="sans-serif" font-size="12"';

/** Writes how the figures grow with the package versions: tables, and one plot a figure. */
export async function writeGrowth(directory: string, results: readonly Result[], machine: string): Promise<void> {
  const lines = linesOf(results);
  if (lines.length === 0) throw new Error('Nothing was measured that grows: --plot needs cases of distribution.');
  for (const figure of FIGURES) {
    await writeFile(join(directory, `scale-${figure.name}.svg`), draw(lines, figure));
  }
  await writeFile(join(directory, 'scale-figures.md'), describe(lines, amortise(results), machine));
}

function linesOf(results: readonly Result[]): Line[] {
  const measured = results.flatMap((result) => {
    const [, job, versions, shape] = /^([a-z-]+)-(\d+)(-versions)?$/.exec(result.contest.name) ?? [];
    if (result.contest.job !== 'distribution' || job === undefined) return [];
    return standingsOf(result).map(({ who, side, seconds }) => ({
      job: shape === undefined ? job : `${job}, more versions of each name`,
      who,
      versions: Number(versions),
      values: { seconds, bytes: side.bytes, memory: side.memory },
    }));
  });
  const groups = Map.groupBy(measured, ({ job, who }) => `${job}: ${who}`);
  return [...groups.values()].flatMap((points) => {
    const [first] = points;
    if (first === undefined) return [];
    return [{ job: first.job, who: first.who, points: points.toSorted((a, b) => a.versions - b.versions) }];
  });
}

function describe(lines: readonly Line[], amortised: readonly AmortisedAddition[], machine: string): string {
  const rows = lines.flatMap(({ job, who, points }) =>
    points.map(({ versions, values }) =>
      [job, who, versions, values.seconds.toFixed(2), mega(values.bytes), mega(values.memory)].join(' | '),
    ),
  );
  const shares = amortised.map(({ size, addition, fold, period, amortised: together }) =>
    [size, mega(addition), mega(fold), period, mega(together)].join(' | '),
  );
  const head = 'job | who | versions | seconds | MB to the registry | MB of memory';
  const folds = 'versions | MB an addition | MB the fold | additions from fold to fold | MB an addition with its share';
  return `# Figures\n\nMedians, measured on ${machine}.\n\n${tableOf(head, rows)}\n\n${FOLDS}\n\n${tableOf(folds, shares)}\n`;
}

const FOLDS = `What an addition sends on average, what a fold of all recent layers into the base ones sends, and the two together when the
fold is shared out over the additions that lead to it.`;

function tableOf(head: string, rows: readonly string[]): string {
  return [head, head.replace(/[^|]+/g, ' --- '), ...rows].map((row) => `| ${row} |`).join('\n');
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0);
}

/** Draws on scales on which ten times as much is always as far. */
function draw(lines: readonly Line[], { name, title, unit }: (typeof FIGURES)[number]): string {
  const all = lines.flatMap(({ points }) => points);
  const [x, fewest, most] = scaleOf(
    all.map(({ versions }) => versions),
    LEFT,
    WIDTH - 330,
  );
  const [y, least, largest] = scaleOf(
    all.map(({ values }) => Math.max(values[name] / unit, 0.01)),
    TOP + PLOT,
    TOP,
  );
  const grid = [
    ...powers(least, largest).map(
      (value) => `${rule(LEFT, y(value), WIDTH - 330, y(value))}${label(LEFT - 6, y(value) + 4, String(value), 'end')}`,
    ),
    ...powers(fewest, most).map(
      (value) =>
        `${rule(x(value), TOP, x(value), TOP + PLOT)}${label(x(value), TOP + PLOT + 18, value.toLocaleString('en'), 'middle')}`,
    ),
  ];
  const drawn = lines.map(({ job, who, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '';
    const places = points.map(({ versions, values }) => [x(versions), y(Math.max(values[name] / unit, 0.01))] as const);
    const path = places.map((place) => place.map((at) => at.toFixed(1)).join(',')).join(' ');
    const dots = places.map(
      ([cx, cy]) => `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3" fill="${colour}"/>`,
    );
    const key = TOP + 10 + index * 20;
    const sign = `<rect x="${WIDTH - 310}" y="${key - 8}" width="10" height="10" fill="${colour}"/>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${sign}${label(WIDTH - 294, key + 2, `${job}: ${who}`, 'start')}`;
  });
  const caption = `${label(LEFT, 20, `${title}, by package versions`, 'start')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">\n<title>${title}, by package versions</title>\n<rect width="100%" height="100%" fill="#ffffff"/>\n${[caption, ...grid, ...drawn].join('\n')}\n</svg>\n`;
}

/** Returns a logarithmic scale over whole powers of ten, and its ends. */
function scaleOf(values: readonly number[], from: number, to: number): [(value: number) => number, number, number] {
  const least = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const most = 10 ** Math.max(Math.ceil(Math.log10(Math.max(...values))), Math.log10(least) + 1);
  const at = (value: number) => from + ((to - from) * Math.log10(value / least)) / Math.log10(most / least);
  return [at, least, most];
}

function powers(least: number, most: number): number[] {
  const count = Math.round(Math.log10(most / least));
  return Array.from({ length: count + 1 }, (_, index) => Number((least * 10 ** index).toPrecision(1)));
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((at) => at.toFixed(1));
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" stroke="#d0d7de"/>`;
}

function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#1f2328" ${FONT}>${text}</text>`;
}
