import { findStandIn, STAND_IN_INPUTS, type StandInName } from './stand-ins/inputs.ts';

/** Which action a step means. */
export type ActionReference =
  /** `$/<name>`: of the repository and the commit that the workflow file is from. */
  | { readonly kind: 'own'; readonly name: string }
  /** `org/actions/<name>@<any>`: of the assembled tree. */
  | { readonly kind: 'released'; readonly name: string }
  /** `./<path>`: of whatever is in the workspace by then. */
  | { readonly kind: 'workspace'; readonly path: string }
  /** `owner/name@<commit>`: played by a stand-in. */
  | { readonly kind: 'stand-in'; readonly name: StandInName };

/** Reads what stands after `uses:` of a step. Nothing is ever fetched: what is neither ours nor played here is refused. */
export function parseActionReference(uses: string, place: string): ActionReference {
  const [, own, released] = /^(?:\$\/([a-z0-9-]+)|org\/actions\/([a-z0-9-]+)@\S+)$/.exec(uses) ?? [];
  if (own !== undefined) return { kind: 'own', name: own };
  if (released !== undefined) return { kind: 'released', name: released };
  const [, path] = /^\.\/((?!\.\.?(?:\/|$))[^/]+(?:\/(?!\.\.?(?:\/|$))[^/]+)*)\/?$/.exec(uses) ?? [];
  if (path !== undefined) return { kind: 'workspace', path };
  const [, repository, version = ''] = /^([^./@$][^/@]*\/[^/@]+)@(.+)$/.exec(uses) ?? [];
  const name = findStandIn(repository ?? '');
  if (name === undefined) {
    const others = Object.keys(STAND_IN_INPUTS).join(', ');
    throw new Error(
      `${place}: cannot run '${uses}', only $/<name>, org/actions/<name>@<version>, ./<path> and ${others}`,
    );
  }
  if (!/^[0-9a-f]{40}$/.test(version)) {
    throw new Error(`${place}: '${uses}' is of somebody else and must be named by a full commit id`);
  }
  return { kind: 'stand-in', name };
}
