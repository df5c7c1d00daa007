/** `npm run generate`: writes src/database/zapatos and the list of views in docs/reporting.md from db/migrations. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { generateTypes, withMigratedDatabase } from './generate.ts';
import { describeViews, withViews } from './reporting-document.ts';

const outDir = fileURLToPath(new URL('../', import.meta.url));
const document = new URL('../../../docs/reporting.md', import.meta.url);
await withMigratedDatabase(async (database) => {
	await generateTypes(database, outDir);
	await writeFile(document, withViews(await readFile(document, 'utf8'), await describeViews(database.pool)));
});
console.log('wrote src/database/zapatos and the views of docs/reporting.md');
