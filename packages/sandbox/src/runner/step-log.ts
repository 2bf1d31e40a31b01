import type { Masks } from './masks.ts';
import { parseWorkflowCommand, type WorkflowCommand } from './workflow-command.ts';

/** What a step points at, in a file or for the whole run. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly col?: number;
  readonly title?: string;
}

const HEADINGS = { error: 'Error', warning: 'Warning', notice: 'Notice' } as const;

export interface StepLogOptions {
  readonly masks: Masks;
  /** Is told of each line as readers of the log see it, masked. */
  readonly onLine: (line: string) => void;
  /** True shows `::debug::` lines, as GitHub does when debug logging is on. */
  readonly debug: boolean;
}

/** Reads what a step prints, line by line: obeys the commands in it and keeps the rest as the step's log. */
export class StepLog {
  readonly #options: StepLogOptions;
  readonly #annotations: Annotation[] = [];
  readonly #lines: string[] = [];
  /** After `::stop-commands::token` nothing is obeyed until `::token::`. */
  #stopped: string | undefined;

  constructor(options: StepLogOptions) {
    this.#options = options;
  }

  get annotations(): Annotation[] {
    const { masks } = this.#options;
    return this.#annotations.map((annotation) => ({
      ...annotation,
      message: masks.apply(annotation.message),
      ...(annotation.title !== undefined && { title: masks.apply(annotation.title) }),
    }));
  }

  get text(): string {
    return this.#options.masks.apply(this.#lines.join('\n'));
  }

  /** Takes the next line that the step printed. */
  take(line: string): void {
    const command = parseWorkflowCommand(line);
    if (this.#stopped !== undefined) {
      if (command?.name === this.#stopped) this.#stopped = undefined;
      else this.#show(line);
      return;
    }
    if (command === undefined || !this.#obey(command)) this.#show(line);
  }

  annotate(annotation: Annotation): void {
    const { level, message, file, line, col } = annotation;
    this.#annotations.push(annotation);
    const place = [file, line, col]
      .filter((part) => part !== undefined)
      .join(':')
      .replaceAll(/[\r\n]+/g, ' ')
      .replaceAll('##[', '# #[');
    this.#show(`${HEADINGS[level]}: ${place === '' ? '' : `${place}: `}${message}`);
  }

  /** Returns false for what is no command of the runner's: such a line is a line like any other. */
  #obey(command: WorkflowCommand): boolean {
    switch (command.name) {
      case 'error':
      case 'warning':
      case 'notice':
        this.annotate(readAnnotation(command.name, command));
        return true;
      case 'add-mask':
        this.#options.masks.add(command.data);
        return true;
      case 'group':
        this.#show(`▸ ${command.data}`);
        return true;
      case 'endgroup':
        return true;
      case 'debug':
        if (this.#options.debug) this.#show(`Debug: ${command.data}`);
        return true;
      case 'stop-commands':
        this.#stopped = command.data;
        return true;
      default:
        return false;
    }
  }

  #show(text: string): void {
    const [first = '', ...more] = text.split(/\r\n|\r|\n/);
    for (const line of [first, ...more.map(disarm)]) {
      const masked = this.#options.masks.apply(line);
      this.#lines.push(masked);
      this.#options.onLine(masked);
    }
  }
}

/**
 * A command's text can have lines that look like commands. They are none; but the log may be printed inside of another
 * step, whose runner would obey.
 */
function disarm(line: string): string {
  return line.replaceAll('##[', '# #[').replace(/^(\s*):(?=:)/, '$1: ');
}

function readAnnotation(level: Annotation['level'], { properties, data }: WorkflowCommand): Annotation {
  const { file, title } = properties;
  const line = readNumber(properties['line']);
  const col = readNumber(properties['col']);
  return {
    level,
    message: data,
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(col !== undefined && { col }),
    ...(title !== undefined && { title }),
  };
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
