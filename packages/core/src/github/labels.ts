import { ConfigurationError } from '../errors.ts';
import type { GitHub } from './connect.ts';
import { isConflict } from './github-error.ts';
import { splitRepository } from './pull-request.ts';

/** A label as the repository shall have it. */
export interface Label {
  readonly name: string;
  /** Six hexadecimal digits. */
  readonly color: string;
  /** At most 100 characters. */
  readonly description: string;
}

const PERMISSION = 'issues: write';

/** Makes a label unless there is one of that name, whose look is left alone. https://docs.github.com/rest/issues/labels#create-a-label */
export async function ensureLabel(github: GitHub, repository: string, label: Label): Promise<void> {
  const place = splitRepository(repository);
  const purpose = { what: `the label ${label.name} of ${repository}`, permission: PERMISSION };
  try {
    await github.get('/repos/{owner}/{repo}/labels/{name}', { ...place, name: label.name }, purpose);
    return;
  } catch (error) {
    if (!(error instanceof ConfigurationError && error.code === 'github-not-found')) throw error;
  }
  try {
    await github.send('POST', '/repos/{owner}/{repo}/labels', { ...place, ...label }, purpose);
  } catch (error) {
    // Somebody else has just made it.
    if (!isConflict(error, /already_exists|already exists/i)) throw error;
  }
}

export async function addLabel(github: GitHub, repository: string, number: number, name: string): Promise<void> {
  const purpose = { what: `the label ${name} on #${number} of ${repository}`, permission: PERMISSION };
  const body = { ...splitRepository(repository), issue_number: number, labels: [name] };
  await github.send('POST', '/repos/{owner}/{repo}/issues/{issue_number}/labels', body, purpose);
}

/** Takes a label off; one that is not there any more is fine. */
export async function removeLabel(github: GitHub, repository: string, number: number, name: string): Promise<void> {
  const purpose = { what: `the label ${name} on #${number} of ${repository}`, permission: PERMISSION };
  const body = { ...splitRepository(repository), issue_number: number, name };
  try {
    await github.send('DELETE', '/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}', body, purpose);
  } catch (error) {
    if (!(error instanceof ConfigurationError && error.code === 'github-not-found')) throw error;
  }
}
