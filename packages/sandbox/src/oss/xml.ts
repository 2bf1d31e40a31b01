export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** What an element can hold: text, child elements by name, or (as an array) one element per item. */
export type XmlContent = string | number | boolean | { readonly [name: string]: XmlContent | readonly XmlContent[] };

/** Writes one element with its children. */
export function element(name: string, content: XmlContent): string {
  if (typeof content !== 'object') return `<${name}>${escapeText(String(content))}</${name}>`;
  const children = Object.entries(content).flatMap(([child, value]) =>
    isList(value) ? value.map((item) => element(child, item)) : [element(child, value)],
  );
  return `<${name}>${children.join('')}</${name}>`;
}

function isList(value: XmlContent | readonly XmlContent[]): value is readonly XmlContent[] {
  return Array.isArray(value);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Undoes the escapes that a client may use inside an element. */
export function unescapeText(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
