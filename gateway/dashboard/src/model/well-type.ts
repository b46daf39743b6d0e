// How screens call the type of a well. Pure.

/** "rod-pump" -> "Rod pump", "esp" -> "ESP". */
export function typeWords(type: string): string {
  if (type === "esp" || type === "pcp") return type.toUpperCase();
  const words = type.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
