/** A fenced block of a Markdown file. */
export interface Block {
  /** The line where it starts, counted from 1. */
  line: number
  language: string
  code: string
  /** The text between its end and the next block. */
  textAfter: string
}

/** Captures the language and the code. */
const FENCED = /^```(\S*)\n([\s\S]*?)^```$/gm

/** The fenced blocks of a file, in order. Indented blocks do not count. */
export function blocksOf(markdown: string): Block[] {
  const matches = [...markdown.matchAll(FENCED)]
  return matches.map((match, index) => ({
    line: lineAt(markdown, match.index),
    language: match[1] ?? '',
    code: match[2] ?? '',
    textAfter: markdown.slice(match.index + match[0].length, matches[index + 1]?.index).trim(),
  }))
}

/** The targets of links with their lines. Links in code do not count. */
export function linksOf(markdown: string): { line: number; target: string }[] {
  const prose = markdown.replaceAll(FENCED, blanked).replaceAll(/`[^`\n]*`/g, blanked)
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
    line: lineAt(prose, match.index),
    target: match[1] ?? '',
  }))
}

/** The anchors of a file's headings, as on GitHub. */
export function anchorsOf(markdown: string): string[] {
  return [...markdown.replaceAll(FENCED, blanked).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Blanks out a text without changing line numbers. */
function blanked(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
