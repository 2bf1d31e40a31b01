import { unprocessable } from './api-error.ts';
import type { Call } from './route.ts';

/** What an operation answers; `bytes` go out as they are, `json` as JSON, neither is an empty body. */
export interface Answer {
  readonly status: number;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const ok = (json: unknown): Answer => ({ status: 200, json });

export const created = <T extends { readonly url: string }>(json: T): Answer => ({
  status: 201,
  json,
  headers: { location: json.url },
});

export const noContent: Answer = { status: 204 };

/** The media type of raw content. @see https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types */
export const wantsRaw = ({ accept }: Call): boolean => /application\/vnd\.github\.(v3\.)?raw/.test(accept);

export interface Page<T> {
  readonly items: readonly T[];
  readonly number: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Cuts the wanted page out of a list. @see https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api */
export function paginate<T>(call: Call, all: readonly T[]): Page<T> {
  const size = Math.min(Math.max(whole(call, 'per_page', 30), 1), 100);
  const number = Math.max(whole(call, 'page', 1), 1);
  const last = Math.max(Math.ceil(all.length / size), 1);
  const links: string[] = [];
  const link = (relation: string, page: number): void => {
    const url = new URL(call.url);
    url.searchParams.set('page', String(page));
    links.push(`<${url.href}>; rel="${relation}"`);
  };
  if (number > 1) link('prev', Math.min(number - 1, last));
  if (number < last) {
    link('next', number + 1);
    link('last', last);
  }
  if (number > 1) link('first', 1);
  return {
    items: all.slice((number - 1) * size, number * size),
    number,
    headers: links.length === 0 ? {} : { link: links.join(', ') },
  };
}

/** Answers with one page of a list; only the records on that page are turned into their shape. */
export async function listPage<T>(
  call: Call,
  all: readonly T[],
  shape: (item: T) => Promise<unknown> | unknown,
): Promise<Answer> {
  const { items, headers } = paginate(call, all);
  return { status: 200, json: await Promise.all(items.map(shape)), headers };
}

function whole(call: Call, name: string, otherwise: number): number {
  const text = call.query.get(name);
  if (text === null || text === '') return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw unprocessable(`Invalid request.\n\n"${name}" is not a number.`);
  return Number(text);
}
