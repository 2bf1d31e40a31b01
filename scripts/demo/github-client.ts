/** One person's way to the sandbox's GitHub: what they would do in a browser, by REST. */
export class GitHubClient {
  readonly #repository: string;
  readonly #token: string;

  /** `repository` is the REST address of one repository, `<api>/repos/<owner>/<name>`. */
  constructor(repository: string, token: string) {
    this.#repository = repository;
    this.#token = token;
  }

  async send<T>(method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#repository}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, accept: 'application/vnd.github+json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  comment(number: number, body: string): Promise<unknown> {
    return this.send('POST', `/issues/${number}/comments`, { body });
  }

  /** Runs a workflow from the Actions page. */
  dispatch(file: string, inputs: Readonly<Record<string, string>>): Promise<unknown> {
    return this.send('POST', `/actions/workflows/${file}/dispatches`, { ref: 'main', inputs });
  }

  /** Merges a pull request, as GitHub lets it be merged: its required checks must be green. */
  async merge(number: number): Promise<string> {
    const { title } = await this.send<{ title: string }>('GET', `/pulls/${number}`);
    await this.send('PUT', `/pulls/${number}/merge`, { merge_method: 'squash', commit_title: title });
    return title;
  }
}

export interface PullRequest {
  readonly number: number;
  readonly html_url: string;
  readonly title: string;
  readonly head: { readonly sha: string; readonly ref: string };
  readonly base: { readonly sha: string; readonly ref: string };
}

export interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
}
