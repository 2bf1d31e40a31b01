import type { Runtime } from '@slipway/core/action/action';
import type { BuildResult, BuiltLayer } from '@slipway/core/distribution/build-image';
import type { BuildContext, BuildSources } from '@slipway/core/distribution/build-sources';
import { shortDigest } from '@slipway/core/image/digest';
import { formatReference } from '@slipway/core/image/reference';
import { before } from '@slipway/core/storage/direction';
import { formatBytes } from '@slipway/core/util/units';
import { reportLayers } from './layer-report.ts';
import type { Outputs } from './run.ts';

/** What was done, or would be. */
export interface Plan {
  readonly distribution: string;
  readonly commit: string;
  readonly tag: string;
  readonly base: { readonly name: string; readonly digest: string };
  readonly upstreams: readonly {
    readonly distribution: string;
    readonly name: string;
    readonly digest: string;
    /** It was not built by us. */
    readonly foreign: boolean;
  }[];
  /** Of one platform, the lowest first. */
  readonly layers: readonly BuiltLayer[];
  /** Bytes sent to the registry. */
  readonly pushed: number;
  /** Bytes of layers that were there. */
  readonly reused: number;
  readonly checks: string;
  /** Why the distribution's tag stayed where it is. */
  readonly superseded?: string;
}

interface Report {
  readonly context: BuildContext;
  readonly sources: BuildSources;
  readonly built: BuildResult;
  readonly dryRun: boolean;
  readonly checks: string;
  /** The tag of git that the image is called after, too. */
  readonly version: string | undefined;
}

/** Tells what came of a build, on the job's page, at the lines concerned, and in the outputs. */
export function report({ context, sources, built, dryRun, checks, version }: Report, runtime: Runtime): Outputs {
  const { branch, distribution, image } = context;
  const { digest, result, tag, superseded } = built;
  const plan: Plan = {
    distribution: distribution.name,
    commit: branch.commit,
    tag,
    base: { name: sources.base.name, digest: sources.base.image.digest },
    upstreams: sources.upstreams.map((upstream) => ({
      distribution: upstream.distribution.name,
      name: upstream.name,
      digest: upstream.image.digest,
      foreign: built.foreign.includes(upstream.distribution.name),
    })),
    layers: built.layers,
    pushed: built.pushed,
    reused: built.reused,
    checks,
    ...(superseded !== undefined && { superseded }),
  };
  const name = formatReference({ registry: image.registry, repository: image.repository, tag: version ?? tag });
  tell(name, plan, built, dryRun, runtime);
  for (const { file, line, column, rule, severity, message, fix } of built.findings) {
    const place = file === '' ? {} : { file, line, column };
    runtime.annotate({ severity, title: rule, message: `${message} ${fix}`, ...place });
  }
  return {
    image: name,
    digest: digest ?? '',
    commit: branch.commit,
    result,
    stale: built.stale,
    downstream: built.downstream,
    previous: before(context.settings, context.distribution).map((each) => each.name),
    packages: built.packages,
    added: built.added,
    findings: built.findings,
    plan,
    changed: !dryRun && (result === 'built' || built.pushed > 0),
  };
}

function tell(name: string, plan: Plan, built: BuildResult, dryRun: boolean, { summary, log }: Runtime): void {
  const { digest, result, superseded, stale, packages } = built;
  const verb = dryRun && result === 'built' ? 'would be built' : result;
  const shown = digest === undefined ? '' : ` ${shortDigest(digest)}`;
  log.info(
    `${name}${shown} ${verb}: ${packages} package versions, ${plan.layers.length} layers, ` +
      `${formatBytes(plan.pushed)} pushed, ${formatBytes(plan.reused)} reused`,
  );
  summary.heading(`Distribution ${plan.distribution}: ${verb}`);
  if (superseded !== undefined) {
    summary.paragraph(`The tag stayed where it is: ${superseded}.`);
    log.info(`superseded: ${superseded}`);
  }
  if (plan.checks === 'off') {
    summary.paragraph(
      'The checks of the Dockerfile were off: nobody has tried whether a registry takes these packages.',
    );
    log.warning('checks are off: the RUN lines of the Dockerfile were not run');
  }
  for (const upstream of plan.upstreams) {
    if (!upstream.foreign) continue;
    summary.paragraph(
      `Foreign upstream: ${upstream.name} (${upstream.digest}) was not built by this action; its packages were read out of its layers.`,
    );
  }
  summary.table(
    ['image', 'digest', 'packages', 'pushed', 'reused', 'to be rebuilt'],
    [
      [
        `\`${name}\``,
        `\`${digest ?? ''}\``,
        String(packages),
        formatBytes(plan.pushed),
        formatBytes(plan.reused),
        stale.join(', '),
      ],
    ],
  );
  reportLayers(plan.layers, { summary });
  if (built.findings.length === 0) return;
  summary.heading('Findings', 3);
  summary.table(
    ['place', 'rule', 'what', 'what to do'],
    built.findings.map(({ file, line, rule, message, fix }) => [
      file === '' ? '' : `\`${file}:${line}\``,
      rule,
      message,
      fix,
    ]),
  );
}
