import { parseJson } from '@slipway/core/action/inputs';
import type { Configuration } from '@slipway/core/configuration/configuration';
import { ConfigurationError } from '@slipway/core/errors';
import { type Image, parseImages } from '@slipway/core/image/image';
import { canonicalName, lastComponent, parseReference, type Reference } from '@slipway/core/image/reference';

/** One image as a list names it: complete, or as a line that may leave out where it goes. */
export type ListedImage =
  | { readonly image: Image }
  | {
      readonly source: string;
      readonly target?: string;
      /** Where it stands, for messages: `images.txt:7`. */
      readonly place: string;
    };

export interface WantedImages {
  readonly list: readonly ListedImage[];
  /** Whether another action names them: then bundling follows, which wants their blobs again. */
  readonly handedOver: boolean;
}

/** Characters of a list that a message repeats. */
const QUOTED = 100;

/** Reads the input `images`: JSON as the other actions give it, or lines as people write them. */
export function readImages(value: string, name: string): WantedImages {
  const origin = `input '${name}'`;
  if (!value.startsWith('[')) {
    return { list: readImageLines(value, (line) => `${origin}, line ${line}`), handedOver: false };
  }
  return { list: parseImages(parseJson(value, name), origin).map((image) => ({ image })), handedOver: true };
}

/** Returns what a message may repeat of a list: what was named by mistake is not meant for the log. */
export function quote(text: string): string {
  return text.length <= QUOTED ? text : `${text.slice(0, QUOTED)}…`;
}

/** Reads lines of one reference or two, the source and the target; `#` begins a comment. */
export function readImageLines(text: string, placeOf: (line: number) => string): ListedImage[] {
  return text.split('\n').flatMap((line, index): ListedImage[] => {
    const [source, target, ...rest] = line
      .replace(/(?:^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    const place = placeOf(index + 1);
    if (source === undefined || source === '') return [];
    if (rest.length > 0) {
      throw new ConfigurationError(
        'invalid-images',
        `${place}: '${quote(line.trim())}' should be one reference, the source, or two references, the source and the target.`,
      );
    }
    return [{ source, place, ...(target !== undefined && { target }) }];
  });
}

/**
 * Returns the images of a list with their targets. One that is named without is put below `plugins.target`: with the
 * path that it has below `plugins.source`, else with the last component of its name alone, as skopeo sync does it.
 */
export function completeImages(list: readonly ListedImage[], configuration: Configuration): Image[] {
  return list.map((listed) => {
    if ('image' in listed) return listed.image;
    const { source, place } = listed;
    const from = parseAt(place, source);
    const target = listed.target ?? chooseTarget(from, source, place, configuration);
    return { source, target, name: lastComponent(parseAt(place, target)) };
  });
}

function parseAt(place: string, text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // It may quote parts of the text besides.
    const message = error.message.replaceAll(text, () => quote(text)).replace(/[^\s']{101,}/g, quote);
    throw new ConfigurationError(error.code, `${place}: ${message.slice(0, 500)}`);
  }
}

function chooseTarget(from: Reference, source: string, place: string, { plugins }: Configuration): string {
  const refuse = (problem: string): never => {
    throw new ConfigurationError('invalid-images', `${place}: ${quote(source)} names no target, and ${problem}.`);
  };
  if (plugins.target === undefined) {
    return refuse('the configuration has no `plugins.target` to put it below. Write the target behind it, or add that');
  }
  if (from.tag === undefined)
    return refuse('it has no tag to give to the copy. Add one, or write the target behind it');
  const name = `${from.registry}/${from.repository}`;
  const home = plugins.source === undefined ? undefined : `${canonicalName(plugins.source)}/`;
  const path = home !== undefined && name.startsWith(home) ? name.slice(home.length) : lastComponent(from);
  return `${plugins.target}/${path}:${from.tag}`;
}
