import { messageOf } from '../errors.ts';
import { type JsonObject, listField, numberField, objectField, textField } from './field.ts';
import type { Kubectl } from './kubectl.ts';
import { plainLine } from './plain-line.ts';
import type { ContainerState, Pod } from './pod.ts';

/** What helps to find out why a pod failed; lines are somebody else's text, without control characters. */
export interface Diagnosis {
  /** The last lines that the container wrote, oldest first. */
  readonly logs: readonly string[];
  /** The last events about the pod, oldest first. */
  readonly events: readonly string[];
}

/** Events that are shown. */
const EVENTS = 10;

/** Asks for a pod's events and its container's last `lines` lines; what cannot be had is said in place of it. */
export async function diagnose(
  kubectl: Kubectl,
  pod: Pod,
  container: ContainerState | undefined,
  lines: number,
): Promise<Diagnosis> {
  const events = await readEvents(kubectl, pod).then(
    (found) => found.slice(-EVENTS).map(formatEvent),
    (error: unknown) => [`cannot read the events: ${messageOf(error)}`],
  );
  const hasRun = container !== undefined && (container.running || container.ended !== undefined);
  return { events, logs: hasRun ? await readLogs(kubectl, pod, container, lines) : [] };
}

/** Says whether an autoscaler has told that a node is on its way for a pod that fits on none. */
export async function awaitsNode(kubectl: Kubectl, pod: Pod): Promise<boolean> {
  const events = await readEvents(kubectl, pod).catch(() => []);
  return events.some((event) => textField(event, 'reason') === 'TriggeredScaleUp');
}

async function readEvents(kubectl: Kubectl, pod: Pod): Promise<JsonObject[]> {
  const time = (event: JsonObject): string => textField(event, 'lastTimestamp') || textField(event, 'eventTime');
  const events = listField(objectField(await kubectl.events(pod.uid)), 'items');
  return [...events].sort((a, b) => (time(a) < time(b) ? -1 : 1));
}

function formatEvent(event: JsonObject): string {
  const count = numberField(event, 'count', 1);
  const times = count > 1 ? ` (${count} times)` : '';
  return plainLine(`${textField(event, 'type')} ${textField(event, 'reason')}${times}: ${textField(event, 'message')}`);
}

/** Of a container that was restarted, what it said before it ended is what matters; by now it may run again. */
async function readLogs(
  kubectl: Kubectl,
  pod: Pod,
  { name, restarts }: ContainerState,
  lines: number,
): Promise<string[]> {
  const runs = restarts > 0 ? (['previous', 'current'] as const) : (['current', 'previous'] as const);
  let failure = '';
  for (const run of runs) {
    try {
      const text = await kubectl.logs(pod.name, name, lines, run);
      if (text.trim() !== '') return text.trimEnd().split('\n').slice(-lines).map(plainLine);
    } catch (error) {
      failure ||= `cannot read the log: ${messageOf(error)}`;
    }
  }
  return failure === '' ? [] : [failure];
}
