import { describe, expect, it } from 'vitest';
import { readWorkflow } from './workflow-file.ts';

const PATH = '.github/workflows/x.yml';
const read = (text: string) => readWorkflow(text, PATH);
const TRUE = "runs-on: x, steps: [{ run: 'true' }]";

describe('readWorkflow', () => {
  it.each([
    ['jobs: { a: { steps: [] } }', /x\.yml: jobs\.a has neither 'runs-on' nor 'uses'/],
    ['jobs: { a: { runs-on: x, steps: [] } }', /jobs\.a has no steps/],
    ['jobs: {}', /x\.yml has no jobs/],
    ['on: push', /x\.yml has no jobs/],
    [`jbs: {}\njobs: { a: { ${TRUE} } }`, /x\.yml: 'jbs' is not supported/],
    [`jobs: { a: { ${TRUE}, services: {} } }`, /jobs\.a: 'services' is not supported/],
    [`jobs: { a: { ${TRUE}, container: x } }`, /jobs\.a: 'container' is not supported/],
    [`jobs: { 1a: { ${TRUE} } }`, /'1a' cannot be the id/],
    [`jobs: { a: { needs: b, ${TRUE} } }`, /jobs\.a\.needs: there is no job 'b'/],
    [`jobs: { a: { needs: b, ${TRUE} }, b: { needs: [a], ${TRUE} } }`, /the jobs 'a', 'b' wait for each other/],
    [`jobs: { a: { permissions: { contents: all }, ${TRUE} } }`, /permissions\.contents is 'all'/],
    [`permissions: { content: read }\njobs: { a: { ${TRUE} } }`, /permissions\.content is no permission/],
    [`jobs: { a: { defaults: { run: { shell: sh } }, ${TRUE} } }`, /shell 'sh'/],
    [`jobs: { a: { environment: '\${{ secrets.KEY }}', ${TRUE} } }`, /environment\.name: cannot evaluate/],
    [`jobs: { a: { environment: { nme: x }, ${TRUE} } }`, /'nme' is not supported/],
    [`jobs: { a: { runs-on: x, steps: [{ id: s, run: x }, { id: S, run: x }] } }`, /two steps with the id 's'/],
    [`jobs: { a: { runs-on: x, steps: [{ run: x, with: { a: b } }] } }`, /cannot have 'with' beside 'run'/],
    [`jobs: { a: { if: "secrets.KEY != ''", ${TRUE} } }`, /jobs\.a\.if: cannot evaluate .*secrets/],
    [`jobs: { a: { if: matrix.x, ${TRUE} } }`, /jobs\.a\.if: cannot evaluate .*matrix/],
    [`jobs: { a: { if: "steps.a.outcome == 'success'", ${TRUE} } }`, /jobs\.a\.if: cannot evaluate/],
    [`jobs: { a: { name: '\${{ secrets.KEY }}', ${TRUE} } }`, /jobs\.a\.name: cannot evaluate/],
    [`env: { A: '\${{ env.B }}' }\njobs: { a: { ${TRUE} } }`, /x\.yml: env\.A: cannot evaluate/],
    [`concurrency: '\${{ needs.a }}'\njobs: { a: { ${TRUE} } }`, /x\.yml: concurrency\.group: cannot evaluate/],
    [`jobs: { a: { runs-on: x, steps: [{ run: "\${{ success() }}" }] } }`, /steps\[0\]\.run: cannot evaluate/],
    [`jobs: { a: { runs-on: x, steps: [{ run: "\${{ hashFiles('x') }}" }] } }`, /steps\[0\]\.run: cannot evaluate/],
    [`jobs: { a: { runs-on: x, steps: [{ run: "\${{ nope" }] } }`, /without its }}/],
    [`on: { workflow_call: { inputs: { a: { type: choice } } } }\njobs: { a: { ${TRUE} } }`, /inputs\.a\.type must be/],
    [
      `on: { workflow_call: { inputs: { a: { type: boolean, default: 'x' } } } }\njobs: { a: { ${TRUE} } }`,
      /"x" is no bool/,
    ],
    [`on: { workflow_call: { output: {} } }\njobs: { a: { ${TRUE} } }`, /on\.workflow_call: 'output' is not supported/],
    ['jobs: [', /x\.yml: /],
  ])('refuses %j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  it('has the path for a name when it has none', () => {
    expect(read(`jobs: { a: { ${TRUE} } }`).name).toBe(PATH);
    expect(read(`name: X\njobs: { a: { ${TRUE} } }`).name).toBe('X');
  });

  it('expands permissions', () => {
    const permissions = (text: string) => read(`permissions: ${text}\njobs: { a: { ${TRUE} } }`).permissions;
    expect(permissions('{}')).toMatchObject({ contents: 'none', checks: 'none' });
    expect(permissions('{ checks: write }')).toMatchObject({ contents: 'none', checks: 'write' });
    expect(permissions('read-all')).toMatchObject({ contents: 'read', 'id-token': 'none' });
    expect(permissions('write-all')).toMatchObject({ contents: 'write', 'id-token': 'write' });
  });
});
