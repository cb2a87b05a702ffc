/** Reads the surrogate keys of ads (`ad_id`) and of the values of minute dimensions (by the dimension's name). */
export interface DictionaryView {
  /** Undefined for 0 (missing) and for keys that were never given. */
  text(dictionary: string, key: number): string | undefined;
  /** Undefined where the text never occurred. */
  key(dictionary: string, text: string): number | undefined;
  /** Entries, which is the highest key; 0 where there is no such dictionary. */
  size(dictionary: string): number;
}
