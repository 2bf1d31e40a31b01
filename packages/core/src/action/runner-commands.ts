import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { EOL } from 'node:os';

/**
 * What an action says to the runner, as `@actions/core` says it: that package loads an HTTP client for OpenID tokens, which
 * takes longer than a whole synchronisation that has nothing to do.
 *
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */

/** Where in a file of the repository a message belongs. */
export interface AnnotationProperties {
  readonly title?: string;
  readonly file?: string;
  readonly startLine?: number;
  readonly startColumn?: number;
}

/** Returns an input without the space around it; an empty text when it was not given. */
export function getInput(name: string): string {
  return (process.env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}

/** Hands an output to the next steps. */
export function setOutput(name: string, value: string): void {
  const file = process.env['GITHUB_OUTPUT'];
  if (file === undefined || file === '') {
    // No runner, as when a bundle is tried by hand.
    issue('set-output', { name }, value);
    return;
  }
  // Nobody who writes the value can know what ends it.
  const end = `ghadelimiter_${randomUUID()}`;
  appendFileSync(file, [`${name}<<${end}`, value, end, ''].join(EOL));
}

/** Makes the runner hide a text in every log from now on. */
export function setSecret(secret: string): void {
  issue('add-mask', {}, secret);
}

export function info(message: string): void {
  process.stdout.write(`${message}${EOL}`);
}

export function error(message: string, properties: AnnotationProperties = {}): void {
  issue('error', namesOf(properties), message);
}

export function warning(message: string, properties: AnnotationProperties = {}): void {
  issue('warning', namesOf(properties), message);
}

export function startGroup(name: string): void {
  issue('group', {}, name);
}

export function endGroup(): void {
  issue('endgroup', {}, '');
}

type Properties = Readonly<Record<string, string | number | undefined>>;

function namesOf({ title, file, startLine, startColumn }: AnnotationProperties): Properties {
  return { title, file, line: startLine, col: startColumn };
}

function issue(command: string, properties: Properties, message: string): void {
  const list = Object.entries(properties)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
    .join(',');
  process.stdout.write(`::${command}${list === '' ? '' : ` ${list}`}::${escapeData(message)}${EOL}`);
}

/** A line break would end the command, and begin another one. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
