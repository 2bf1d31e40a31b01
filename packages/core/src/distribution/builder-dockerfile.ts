import { type Instruction, readInstructions } from '../dockerfile/instruction.ts';
import { ConfigurationError } from '../errors.ts';

/** What a Dockerfile may take files out of, besides the branch. */
export interface KnownPlaces {
  /** Names of stages, in their order; one without a name has its number. */
  readonly stages: readonly string[];
  /** The images that FROM names. */
  readonly images: readonly string[];
}

/**
 * Throws a ConfigurationError for what docker's builder would fetch by itself, whatever network RUN has: another reader of
 * the Dockerfile, files from the network, and images that FROM does not name, which nobody has resolved to a digest.
 */
export function checkOffline(source: string, file: string, places: KnownPlaces): void {
  const refuse = (line: number, problem: string, cure: string): never => {
    throw new ConfigurationError('dockerfile', `${file}:${line}: ${problem}. ${cure}`);
  };
  const line = findSyntax(source);
  if (line !== undefined) refuse(line, 'the directive syntax fetches another reader of this file', 'Leave it out.');
  for (const instruction of readInstructions(source).instructions) {
    if (instruction.keyword === 'ADD' && isRemote(instruction.text.text)) {
      refuse(instruction.line, 'ADD would fetch something from the network', 'Commit the files, and name them.');
    }
    for (const from of findSources(instruction)) {
      if (isKnown(from, places)) continue;
      const cure = 'Name the image in a FROM of its own: FROM <image> AS <name>.';
      refuse(instruction.line, `from=${from} is no stage, and no image that FROM names`, cure);
    }
  }
}

/**
 * Returns the line of a directive `syntax`, which stands among the comments before the first instruction.
 *
 * https://docs.docker.com/reference/dockerfile/#syntax
 */
function findSyntax(source: string): number | undefined {
  const lines = source.split(/\r\n?|\n/);
  const first = lines.findIndex((line) => !/^\s*(?:(?:#|\/\/).*)?$/.test(line.replace('\ufeff', '')));
  const head = first === -1 ? lines : lines.slice(0, first);
  const found = head.findIndex((line) => /^\s*(?:#|\/\/)\s*syntax\s*=/i.test(line.replace('\ufeff', '')));
  return found === -1 ? undefined : found + 1;
}

/** Addresses, and what may become one; https://docs.docker.com/reference/dockerfile/#add. */
function isRemote(text: string): boolean {
  return /:\/\/|\bgit@|\bgithub\.com\/|\$/i.test(text);
}

/** Returns what an instruction takes files out of by name: `COPY --from=` and `RUN --mount=…,from=`. */
function findSources({ keyword, flags, text }: Instruction): string[] {
  if (keyword !== 'COPY' && keyword !== 'ADD' && keyword !== 'RUN' && keyword !== 'ONBUILD') return [];
  // Those of ONBUILD stand in its text.
  const inText = keyword === 'ONBUILD' ? [...text.text.matchAll(/--(\w+)=(\S+)/g)] : [];
  const all = [...flags.map(({ name, value }) => [name, value]), ...inText.map(([, name, value]) => [name, value])];
  return all.flatMap(([name = '', value = '']) => {
    if (name === 'from') return [value];
    if (name !== 'mount') return [];
    return value.split(',').flatMap((part) => /^["']?from=([^"']*)["']?$/i.exec(part.trim())?.[1] ?? []);
  });
}

function isKnown(from: string, { stages, images }: KnownPlaces): boolean {
  if (images.includes(from)) return true;
  return /^\d+$/.test(from) ? Number(from) < stages.length : stages.includes(from.toLowerCase());
}
