/** What `botbox doctor` found, one finding for each thing that it looks at. */
import { errorMessage } from '../errors.ts';

export interface Finding {
	readonly name: string;
	readonly ok: boolean;
	readonly says: string;
	/** What to do about it; left out where nothing is wrong. */
	readonly mend?: string;
}

/** Whether it went well, and what it said; `look` throws what is wrong. */
export async function find(
	findings: Finding[],
	name: string,
	mend: string,
	look: () => Promise<string>,
): Promise<boolean> {
	try {
		findings.push({ name, ok: true, says: await look() });
		return true;
	} catch (error) {
		findings.push({ name, ok: false, says: errorMessage(error), mend });
		return false;
	}
}

export function judge(findings: Finding[], name: string, ok: boolean, says: string, mend: string): void {
	findings.push(ok ? { name, ok, says } : { name, ok, says, mend });
}
