/** One violation as ajv reports it; https://ajv.js.org/api.html#error-objects. */
export interface SchemaViolation {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** A validator compiled from a file in `schema/` by `scripts/compile-schemas.ts`. */
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaViolation[] | null;
}

/** Returns the violations of `value`, none when it is valid. */
export function findViolations(validate: Validator, value: unknown): readonly SchemaViolation[] {
  return validate(value) ? [] : (validate.errors ?? []);
}

/** Says where and what in one line, `/spec/service must have required property 'image'`. */
export function describeViolation(violation: SchemaViolation): string {
  const detail = violation.keyword === 'additionalProperties' ? ` ('${violation.params['additionalProperty']}')` : '';
  return `${violation.instancePath || 'the value'} ${violation.message ?? violation.keyword}${detail}`;
}
