/** `npm run generate`: writes src/database/zapatos from db/migrations. */
import { fileURLToPath } from 'node:url';
import { generateTypes, withMigratedDatabase } from './generate.ts';

const outDir = fileURLToPath(new URL('../', import.meta.url));
await withMigratedDatabase((database) => generateTypes(database, outDir));
console.log('wrote src/database/zapatos');
