/**
 * Returns `text` so that a comment shows it as code and as nothing else: no Markdown or HTML of it works, and no name,
 * number, commit or address in it calls or links to anything. GitHub looks for those everywhere but in code.
 *
 * https://github.github.com/gfm/#autolinks-extension-
 */
export function showText(text: string): string {
  const plain = text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replace(/[<>"'\\`*_{}[\]()#+!|~:.@-]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<code>${plain}</code>`;
}
