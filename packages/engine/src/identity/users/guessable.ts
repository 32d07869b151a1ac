import { guessedWords } from './guessed-words.ts'

/** Signs that stand for letters, as people and the rules of guessing programs write them. */
const LETTERS: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '8': 'b',
  '3': 'e',
  '€': 'e',
  '1': 'l',
  '!': 'l',
  '|': 'l',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
  '+': 't',
}
/** One sign may stand for an i here and for an l there: the two count as one letter. */
const WORDS: ReadonlySet<string> = new Set([...guessedWords].map(withoutI))
const WORDS_MAX = 2
/** Of the longest word that is guessed. */
const LETTERS_MAX = Math.max(...[...guessedWords].map(word => word.length))
const RUN = '01234567890123456789'
const BACKWARDS = [...RUN].reverse().join('')

/**
 * Whether it is one of the passwords that everybody tries first (OWASP ASVS 5.0, 6.2.4): one or two
 * common words, in any spelling, with any digits and signs around and between them, or hardly any
 * letter and digits in a row. A list of whole passwords would be of little use here: hardly one of
 * the published ones fits the policy, while `Password2026!` does.
 */
export function isGuessable(password: string): boolean {
  const lower = password.normalize('NFKD').toLowerCase().replaceAll(/\p{M}/gu, '')
  const plain = lower.replaceAll(/[^\p{L}]/gu, '')
  if (new Set(plain).size <= 3 && isPlainNumber(lower.replaceAll(/\D/g, ''))) return true
  const texts = [plain, folded(lower), folded(trimmed(lower))]
  return texts.some(text => isOfWords(withoutI(text)))
}

/** With letters for the signs that can stand for them. */
function folded(text: string): string {
  const letters = [...text].map(one => LETTERS[one] ?? one)
  return letters.join('').replaceAll(/[^\p{L}]/gu, '')
}

function withoutI(text: string): string {
  return text.replaceAll('i', 'l')
}

/** Digits and signs at both ends are decoration, not letters. */
function trimmed(text: string): string {
  return text.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
}

/** Whole, or the same again and again, or two words. */
function isOfWords(text: string): boolean {
  if (text === '') return false
  return isMadeOf(unrepeated(text), WORDS_MAX) || isMadeOf(text, WORDS_MAX)
}

/**
 * What the text is a repetition of, by the borders of its beginnings (Knuth, Morris, Pratt): a
 * pattern would look at each part again for each length, and one letter can stand for eighteen.
 */
function unrepeated(text: string): string {
  const borders = [0]
  let border = 0
  for (let at = 1; at < text.length; at += 1) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1] ?? 0
    if (text[at] === text[border]) border += 1
    borders.push(border)
  }
  const period = text.length - border
  return text.length % period === 0 ? text.slice(0, period) : text
}

function isMadeOf(text: string, wordsMax: number): boolean {
  if (WORDS.has(text) || new Set(text).size === 1) return true
  if (wordsMax === 1) return false
  for (let at = 1; at < Math.min(text.length, LETTERS_MAX + 1); at += 1) {
    if (WORDS.has(text.slice(0, at)) && isMadeOf(text.slice(at), wordsMax - 1)) return true
  }
  return false
}

/** In a row, all the same, the same again, or a year and little else. */
function isPlainNumber(digits: string): boolean {
  const once = unrepeated(digits)
  return once.length <= 4 || RUN.includes(once) || BACKWARDS.includes(once)
}
