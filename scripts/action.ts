/**
 * Runs the shipped bundle of one action the way GitHub's runner does: `npm run action -- <name> key=value …`.
 *
 * `key=@file` takes the value from a file, `key=-` from standard input, `key=@@text` is the text `@text`. Without a name
 * it lists the actions; `<name> --help` prints inputs and outputs.
 */
import { join } from 'node:path';
import { chdir, env, stdout } from 'node:process';
import { readActionMetadata } from '@slipway/sandbox/runner/action-metadata';
import { runAction } from '@slipway/sandbox/runner/run-action';
import { parseArguments, readValues } from './action/arguments.ts';
import { describeAction, formatOutputs, listActions } from './action/description.ts';
import { assembleStanding } from './release-tree.ts';
import { runScript, userDirectory } from './run-script.ts';

/** Of npm's own and of an action around us: nothing that the action could take for its inputs. */
const NOT_PASSED = /^(npm_|INPUT_|INIT_CWD$|NODE_OPTIONS$)/;

await runScript(async () => {
  const { name, help, values } = parseArguments(process.argv.slice(2));
  const tree = await assembleStanding();
  const actions = await listActions(tree);
  if (name === undefined) return console.log(actions.text);
  if (!actions.names.includes(name)) throw new Error(`There is no action '${name}'.\n\n${actions.text}`);
  const directory = join(tree, name);
  if (help) return console.log(describeAction(await readActionMetadata(directory)));

  chdir(userDirectory());
  const passed = Object.entries(env).flatMap(([key, value]) =>
    value === undefined || NOT_PASSED.test(key) ? [] : [[key, value] as const],
  );
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => abort.abort());
  const { exitCode, outputs } = await runAction({
    directory,
    inputs: await readValues(values),
    env: Object.fromEntries(passed),
    workspace: userDirectory(),
    onLine: (line) => console.log(line),
    signal: abort.signal,
  });
  stdout.write(formatOutputs(outputs));
  process.exitCode = exitCode;
});
