/** A line of a step's output that speaks to the runner: `::name key=value,…::data`. */
export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** What .NET's `TrimStart` takes away; https://learn.microsoft.com/dotnet/api/system.char.iswhitespace. */
const SPACE = /^[\t\n\v\f\r\u0085\p{Z}]*/u;

/**
 * Reads a line as a command; undefined for every other line.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function parseWorkflowCommand(line: string): WorkflowCommand | undefined {
  const [, head, data = ''] = /^::(.+?)::(.*)$/s.exec(line.replace(SPACE, '')) ?? [];
  if (head === undefined) return undefined;
  const [, name = '', list = ''] = /^(\S+)\s*(.*)$/s.exec(head) ?? [];
  const pairs = list.split(',').flatMap((pair) => {
    const [, key, value] = /^\s*([^=]+)=(.*)$/s.exec(pair) ?? [];
    return key === undefined || value === undefined || value === '' ? [] : [[key, unescapeProperty(value)] as const];
  });
  return { name, properties: Object.fromEntries(pairs), data: unescapeData(data) };
}

function unescapeProperty(text: string): string {
  return unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','));
}

/** `%25` comes last: what it makes a percent sign must not begin another escape. */
function unescapeData(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
