/** An action as the files at the root of the release tree name it. */
export interface ReleasedAction {
  readonly name: string;
  readonly description: string;
}

/** How the `action.yml` at the root begins; a directory that has one was assembled by us. */
export const ROOT_MARK = '# Assembled from the sources by scripts/assemble-release.ts.';

/**
 * Returns the `action.yml` at the root of the tree. `uses: org/actions@v1` is an easy mistake, and without this file
 * GitHub's message would not say what was meant.
 */
export function refuseRoot(): string {
  return `${ROOT_MARK}
name: slipway
description: No action of its own; use one of the folders, such as org/actions/sync-images@v1.
runs:
  using: node24
  main: index.js
`;
}

/** Returns the script of that action: it fails, and says what to write instead. */
export function advise(actions: readonly ReleasedAction[]): string {
  const names = actions.map(({ name }) => name).join(', ');
  const message = `This repository holds several actions; name one: uses: org/actions/<name>@v1, where <name> is ${names}.`;
  return `console.log(${JSON.stringify(`::error::${message}`)});\nprocess.exitCode = 1;\n`;
}

export function describeTree(actions: readonly ReleasedAction[], workflows: readonly string[]): string {
  const list = (items: readonly string[]): string => items.map((item) => `- ${item}\n`).join('');
  const callable = `
## Reusable workflows

${list(workflows.map((path) => `[\`${path}\`](${path})`))}`;
  return `# Slipway

Actions that carry a plugin from a pull request to an offline installation package. This tree is assembled from the
sources: each folder is one action with its bundle.

## Actions

${list(actions.map(({ name, description }) => `[\`${name}\`](${name}/README.md): ${description.trim()}`))}${workflows.length === 0 ? '' : callable}
The JSON Schemas in \`schema/\` describe the configuration, the plugins and what the actions hand to each other.

Licence: Apache-2.0, see [LICENSE](LICENSE).
`;
}
