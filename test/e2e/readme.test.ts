/** The README and the tutorial do what they say. */
import { test } from 'vitest'
import { playPage } from './pages.js'

test('the README does what it says', { timeout: 180_000 }, () => playPage('README.md', 'true'))

test('the tutorial does what it says', { timeout: 180_000 }, () => playPage('docs/TUTORIAL.md', 'hearsay lab down'))
