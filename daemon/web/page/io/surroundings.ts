/** Hooks for what surrounds the page: its address, its size, what the reader prefers. */
import { useEffect, useState } from 'preact/hooks'
import { type PagePlace, placeAt } from '../model/places.js'

/** The place that the address names. */
export function usePlace(): PagePlace {
  const [place, setPlace] = useState(() => placeAt(location.hash))
  useEffect(() => {
    const changed = () => setPlace(placeAt(location.hash))
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return place
}

/** Goes to an address within the page. */
export function go(hash: string): void {
  location.hash = hash
}

/** The size of an element in pixels, as it changes; what comes first takes the element, as its `ref`. */
export function useSize(): [(element: HTMLElement | null) => void, Size, HTMLElement | null] {
  const [element, setElement] = useState<HTMLElement | null>(null)
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useEffect(() => {
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect
      setSize({ width: Math.floor(width), height: Math.floor(height) })
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return [setElement, size, element]
}

/** A size in whole pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** True if the reader wants no movement. */
export function wantsStillness(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}

/**
 * Copies a text to the clipboard; false where that is not allowed, for example over plain HTTP from another machine.
 */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
