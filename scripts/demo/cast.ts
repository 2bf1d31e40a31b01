/** Who plays in the story; logins are those of the example's OWNERS file. */
export const ENGINEER = { token: 'token-of-the-engineer', login: 'zhang-san' };
export const OWNER = { token: 'token-of-the-owner', login: 'lin-wei' };
export const MAINTAINER = { token: 'token-of-the-maintainer', login: 'release-captain' };
export const STRANGER = { token: 'token-of-a-stranger', login: 'mallory' };

/** The GitHub App of the chain; what a job's own token opens or pushes would start nothing. */
export const APP = { id: 4711, slug: 'slipway-app' };

export const REPOSITORY = 'acme/compass-release';
export const STORAGE = 'acme/package-storage';

/** In the order in which their images are built. */
export const DISTRIBUTIONS = ['production', 'staging', 'snapshot'] as const;

/** Versions of the package registry: the one in use, and the one to update to. */
export const REGISTRY = 'v1.14.0';
export const NEXT_REGISTRY = 'v1.15.0';

export const BRANCH = 'release-log-collector-and-edge-gateway';

/** The two plugins of the pull request, with the version on the base and the one to release. */
export const RELEASES = [
  { plugin: 'log-collector', from: 'v1.0.0', to: 'v1.1.0' },
  { plugin: 'edge-gateway', from: 'v0.4.0', to: 'v0.5.0' },
] as const;

/** What the engineers pushed to the source registry. */
export const PUSHED = [
  'cargo.example.com/acme/acme-plugins-log-collector:v1.1.0',
  'cargo.example.com/acme/acme-plugins-log-collector-agent:v1.1.0',
  'cargo.example.com/acme/acme-plugins-edge-gateway:v0.5.0',
] as const;

export const PULL_REQUEST = {
  title: 'feat: log-collector v1.1.0, edge-gateway v0.5.0',
  body: [
    '**Release note**:',
    '',
    '```release-note',
    '日志采集支持多租户；边缘网关支持 arm64。',
    '```',
    '',
    '/kind release',
    '/queue need-queue',
    `/cc @${OWNER.login}`,
    '',
    '@acme/platform-release',
    '',
  ].join('\n'),
};

export const PUSHED_COMMENT = ['image(s) pushed to', ...PUSHED, '/queue working-image-pushed'].join('\n');
