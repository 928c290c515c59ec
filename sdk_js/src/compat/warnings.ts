/** What is not offered is named once, with what to use instead: kinder than `undefined is not a function`. */

const warned = new Set<string>()

export function warnOnce(name: string, instead: string): void {
  if (warned.has(name)) return
  warned.add(name)
  console.warn(`[dexra] ${name} is not supported. ${instead}`)
}

/** Answers for every name an object lacks: a function that does nothing but warn. */
export function forgiving<Known extends object>(
  name: string,
  known: Known,
  instead: Record<string, string> = {},
): Known {
  return new Proxy(known, {
    get(target, key, receiver) {
      if (key in target || typeof key == "symbol" || key == "then") return Reflect.get(target, key, receiver)
      const otherwise = instead[key] ?? "Use `window.dexra.client`, or the native API from your server."
      warnOnce(`${name}.${key}`, otherwise)
      return () => warnOnce(`${name}.${key}()`, otherwise)
    },
  })
}
