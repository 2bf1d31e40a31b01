import { createHash } from 'node:crypto';
import { type Configuration, parseConfiguration } from '../configuration/configuration.ts';
import { type CheckResult, check } from './check.ts';
import type { Finding } from './finding.ts';
import type { SourceFile } from './plugin-file.ts';
import type { Rule } from './rule.ts';
import type { CheckInput, FileChange } from './subject.ts';

/** The commit that samples are of. */
export const SAMPLE_COMMIT = 'c'.repeat(40);

/** Returns a check by `rules` that has to be told only what matters to a test. */
export function judgeWith(rules: readonly Rule[]): (input: Partial<CheckInput>) => CheckResult {
  const usual = {
    configuration: configurationOf(),
    commit: SAMPLE_COMMIT,
    base: [],
    changes: [],
    scope: 'changed',
  } as const;
  return (input) => check(rules, { ...usual, ...input });
}

/** Returns a change that adds the files; for tests. */
export function added(...files: SourceFile[]): FileChange[] {
  return files.map((file) => ({ status: 'added', path: file.path, file }));
}

/** Returns a change that modifies the files; for tests. */
export function modified(...files: SourceFile[]): FileChange[] {
  return files.map((file) => ({ status: 'modified', path: file.path, file }));
}

/** Returns findings as `rule line:column severity`, which tables of tests can hold. */
export function brief(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, line, column, severity }) => `${rule} ${line}:${column} ${severity}`);
}

/** The configuration of a release repository, with `more` lines below `plugins`; for tests. */
export function configurationOf(more: readonly string[] = []): Configuration {
  const lines = [
    'plugins:',
    '  prefix: acme-plugins-',
    '  source: cargo.example.com/team',
    '  target: harbor.example.com/release',
    ...more.map((line) => `  ${line}`),
  ];
  return parseConfiguration(lines.join('\n'));
}

/** What differs between the plugins of a test; everything else is the same well-formed file. */
export interface SamplePlugin {
  readonly name?: string;
  readonly version?: string;
  readonly image?: string;
  readonly port?: number;
  readonly slots?: readonly string[];
}

/** Returns the text of a plugin's file as engineers write them; for tests. */
export function pluginText(plugin: string, sample: SamplePlugin = {}): string {
  const version = sample.version ?? 'v0.1.0';
  const image = sample.image ?? `harbor.example.com/release/acme-plugins-${plugin}:${version}`;
  const slots = sample.slots ?? [`user.${plugin}`];
  return `metadata:
  name: ${sample.name ?? plugin}
  alias: 日志查看
spec:
  class: ${plugin}
  version: ${version}
  compassRequirement: ">=v2.7.0"
  description: 查看和检索容器日志
  note: 查看和检索容器日志
  author: example.com
  service:
    port: ${sample.port ?? 8080}
    image: ${image}
    configs:
      envs:
      - name: SERVER_PORT
        value: '${sample.port ?? 8080}'
        description: 监听端口
      - name: SERVER_LOG_HOSTS
        value: 'logs-0.logs,logs-1.logs,logs-2.logs'
      files: []
    security:
      privileged: false
      clusterAccessible: true
      apiAccessible: true
    resources:
      limits:
        cpu: '0.5'
        memory: 512Mi
      requests:
        cpu: 100m
        memory: 64Mi
  modules:
  - name: ${plugin}
    alias:
      zh: 日志查看
      en: ${plugin}
    icon: '/src/img/icon.svg'
    sources:
    - "/src/index.js"
    slots:${slots.length === 0 ? ' []' : slots.map((slot) => `\n    - ${slot}`).join('')}
`;
}

/** Returns a file as the repository would list and give it; for tests. */
export function sourceFile(path: string, content: string | Buffer, mode: SourceFile['mode'] = '100644'): SourceFile {
  const bytes = Buffer.from(content);
  const id = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  return { path, mode, size: bytes.length, id, bytes };
}

/** Returns a plugin's file in the default directory; for tests. */
export function samplePlugin(plugin: string, sample?: SamplePlugin): SourceFile {
  return sourceFile(`release-plugins/${plugin}.yaml`, pluginText(plugin, sample));
}
