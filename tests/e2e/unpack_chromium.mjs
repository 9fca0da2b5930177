// Unpacks the Chromium of @sparticuz/chromium into the folder that TMPDIR names:
// program, software rendering, a font, and the libraries that a bare machine lacks.
// The package puts everything under the temporary directory, so that is how it is told where.
import { inflate } from "@sparticuz/chromium";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(import.meta.resolve("@sparticuz/chromium"));
const archives = join(dirname(dirname(entry)), "bin");
for (const name of ["chromium.br", "fonts.tar.br", "swiftshader.tar.br", "al2023.tar.br"]) {
  await inflate(join(archives, name));
}
