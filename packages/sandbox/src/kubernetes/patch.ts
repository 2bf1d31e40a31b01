/** A patch that cannot be applied; the API answers 422, or 415 for a type it does not know. */
export class PatchError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type JsonObject = Record<string, unknown>;

/**
 * Applies a patch as its content type says, to a copy.
 *
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
 */
export function applyPatch(target: unknown, patch: unknown, contentType: string): unknown {
  switch (contentType.replace(/;.*$/, '').trim()) {
    case 'application/strategic-merge-patch+json':
      return merge(target, patch, true);
    case 'application/merge-patch+json':
      return merge(target, patch, false);
    case 'application/json-patch+json':
      return applyOperations(structuredClone(target), patch);
    default:
      throw new PatchError(415, `the body of the request was in an unknown format: ${contentType}`);
  }
}

/** Merges as RFC 7396 says; a strategic merge joins lists of named things, such as containers, by their names. */
function merge(target: unknown, patch: unknown, strategic: boolean): unknown {
  if (strategic && isNamedList(target) && isNamedList(patch)) {
    const added = patch.filter(({ name }) => !target.some((item) => item['name'] === name));
    const changed = target.map((item) => {
      const change = patch.find(({ name }) => name === item['name']);
      return change === undefined ? item : merge(item, change, strategic);
    });
    return [...changed, ...added];
  }
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    // Directives say how a list is kept in order; only the merged values matter here.
    if (strategic && name.startsWith('$')) continue;
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value, strategic);
  }
  return merged;
}

/** https://www.rfc-editor.org/rfc/rfc6902: add, replace, remove and test, which is what kubectl sends. */
function applyOperations(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new PatchError(422, 'a JSON patch is a list of operations');
  for (const operation of operations as unknown[]) {
    if (!isObject(operation) || typeof operation['path'] !== 'string') throw new PatchError(422, 'invalid operation');
    applyOperation(document, operation, operation['path']);
  }
  return document;
}

function applyOperation(document: unknown, operation: JsonObject, path: string): void {
  const names = path
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop() ?? '';
  const parent = names.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), document);
  if (!isObject(parent)) throw new PatchError(422, `the path ${path} does not exist`);
  const { op, value } = operation;
  if (op === 'add' || (op === 'replace' && last in parent)) parent[last] = value;
  else if (op === 'remove' && last in parent) delete parent[last];
  else if (op !== 'test' || JSON.stringify(parent[last]) !== JSON.stringify(value)) {
    throw new PatchError(422, `the operation ${String(op)} cannot be applied at ${path}`);
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamedList(value: unknown): value is JsonObject[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && typeof item['name'] === 'string');
}
