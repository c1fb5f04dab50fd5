/** How a runtime layer starts: this file, bundled with all it imports, stands in it as `runtime.mjs`. */
import { main } from './sandbox.ts'

main()
