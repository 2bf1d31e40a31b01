import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { createRouter } from '../router.ts';

interface Slice {
  readonly operations: Readonly<
    Record<string, { readonly request?: unknown; readonly responses: Record<string, unknown> }>
  >;
}

const slice: Slice = JSON.parse(readFileSync(new URL('api.github.com.slice.json', import.meta.url), 'utf8'));

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
ajv.addFormat('uri', (text) => URL.canParse(text));
ajv.addFormat('email', /^[^@\s]+@[^@\s]+$/);
// Number formats say how wide a number may be, which JSON has no words for.
for (const width of ['int64', 'repo.nwo', 'timestamp']) ajv.addFormat(width, true);
ajv.addSchema(slice, 'slice');

const match = createRouter(Object.keys(slice.operations).map((operation) => ({ operation })));
const compiled = new Map<string, ValidateFunction>();

function validator(...steps: readonly string[]): ValidateFunction {
  const pointer = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  let found = compiled.get(pointer);
  if (found === undefined) {
    found = ajv.compile({ $ref: `slice#/${pointer}` });
    compiled.set(pointer, found);
  }
  return found;
}

function check(what: string, validate: ValidateFunction, value: unknown): void {
  if (validate(value)) return;
  throw new Error(`${what} is not what GitHub describes: ${ajv.errorsText(validate.errors, { separator: '\n' })}`);
}

/** The operation of GitHub's description that a request is for; undefined where the slice has none. */
export const operationOf = (method: string, path: string): string | undefined => match(method, path)?.route.operation;

/** Throws where the JSON body of a request is not one that GitHub describes. */
export function checkRequest(operation: string, body: unknown): void {
  if (slice.operations[operation]?.request === undefined) return;
  check(`the request of ${operation}`, validator('operations', operation, 'request'), body);
}

/** Throws where the JSON answer is not one that GitHub describes for this status. */
export function checkResponse(operation: string, status: number, body: unknown): void {
  const what = `the answer ${status} to ${operation}`;
  const schema = slice.operations[operation]?.responses[String(status)];
  // Every operation may refuse with 401, 403 and the like without saying so.
  if (schema === undefined && status < 400) throw new Error(`${what} is not described by GitHub`);
  if (schema === undefined) check(what, validator('components', 'schemas', 'basic-error'), body);
  else if (schema !== null) check(what, validator('operations', operation, 'responses', String(status)), body);
}

/** A `fetch` that holds every JSON request and answer against GitHub's description. */
export async function contractFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  const method = init?.method ?? 'GET';
  const operation = operationOf(method, url.pathname.replace(/^\/api\/v3/, ''));
  if (operation === undefined) throw new Error(`${method} ${url.pathname} is not in the slice of GitHub's description`);
  if (typeof init?.body === 'string' && init.body !== '') checkRequest(operation, JSON.parse(init.body));
  const response = await fetch(input, init);
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    checkResponse(operation, response.status, await response.clone().json());
  }
  return response;
}
