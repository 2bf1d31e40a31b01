/** Which trials are played, and by which seed. */
export interface Trials {
  readonly seed: number;
  readonly indexes: readonly number[];
}

/**
 * Chooses as many trials as the variable says, or `usual` of them by the seed 1; `SLIPWAY_SEED` chooses others, and
 * `SLIPWAY_TRIAL` plays a single one.
 */
export function chooseTrials(variable: string, usual: number, env: NodeJS.ProcessEnv = process.env): Trials {
  const count = readNumber(env, variable) ?? usual;
  const seed = readNumber(env, 'SLIPWAY_SEED') ?? 1;
  const only = readNumber(env, 'SLIPWAY_TRIAL');
  return { seed, indexes: only === undefined ? Array.from({ length: count }, (_, index) => index) : [only] };
}

/** The command that plays one trial again. */
export function repeatCommand(kind: 'kill' | 'fault', seed: number, index: number): string {
  return `npm run soak -- --seed ${seed} --only ${kind}:${index}`;
}

function readNumber(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`${name} is '${text}', and must be a number`);
}
