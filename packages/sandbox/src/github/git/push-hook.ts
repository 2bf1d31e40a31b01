import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A branch that must not go anywhere but to the commits that are `allowed`. */
export interface GuardedRef {
  readonly ref: string;
  readonly allowed: readonly string[];
  /** In one line. */
  readonly reason: string;
}

/** Reads a line for each guarded ref: its name, the allowed commits between commas, and the reason. */
const script = `#!/bin/sh
while read -r old new ref; do
  while read -r guarded allowed reason; do
    [ "$guarded" = "$ref" ] || continue
    case "$old" in *[!0]*) ;; *) continue ;; esac
    case ",$allowed," in *",$new,"*) continue ;; esac
    echo "error: GH006: Protected branch update failed for $ref." >&2
    echo "error: $reason" >&2
    exit 1
  done <<END
$SANDBOX_GUARDED_REFS
END
  case "$new" in *[!0]*) ;; *) continue ;; esac
  [ -n "$SANDBOX_GUARDED_FOLDER" ] || continue
  if [ -n "$(git log -1 --format=%H "$new" --not --branches -- "$SANDBOX_GUARDED_FOLDER")" ]; then
    echo 'error: refusing to allow a GitHub App to create or update a workflow without \`workflows\` permission' >&2
    exit 1
  fi
done
`;

/**
 * Writes the hook that refuses pushes to guarded branches, and changes in a guarded folder (empty: none); returns what
 * git's environment and configuration need for it. A hook, because only git itself knows what is pushed before it is there.
 *
 * @see https://git-scm.com/docs/githooks#pre-receive
 */
export async function openPushHook(
  directory: string,
  guarded: readonly GuardedRef[],
  guardedFolder: string,
): Promise<{ environment: Record<string, string>; configuration: Record<string, string> }> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'pre-receive');
  await writeFile(path, script);
  await chmod(path, 0o755);
  const lines = guarded.map(({ ref, allowed, reason }) => `${ref} ${['-', ...allowed].join(',')} ${reason}`);
  return {
    environment: { SANDBOX_GUARDED_REFS: lines.join('\n'), SANDBOX_GUARDED_FOLDER: guardedFolder },
    configuration: { 'core.hooksPath': directory },
  };
}
