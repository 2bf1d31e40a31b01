/** One entry of `errors` in GitHub's answer to a request that it understands but refuses. */
export interface FieldError {
  readonly resource: string;
  readonly code: 'missing' | 'missing_field' | 'invalid' | 'already_exists' | 'unprocessable' | 'custom';
  readonly field?: string;
  readonly message?: string;
}

/** An answer that is not a success. @see https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly (FieldError | string)[] | undefined;

  constructor(status: number, message: string, errors?: readonly (FieldError | string)[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export const notFound = (message = 'Not Found'): ApiError => new ApiError(404, message);

export const unprocessable = (message: string): ApiError => new ApiError(422, message);

export const malformedSha = (): ApiError =>
  unprocessable('The sha parameter must be exactly 40 characters and contain only [0-9a-f].');

export const validationFailed = (error: FieldError): ApiError => new ApiError(422, 'Validation Failed', [error]);
