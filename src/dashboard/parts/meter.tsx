interface MeterProps {
	/** 0 to 1. */
	readonly share: number;
	readonly tone: 'accent' | 'warn' | 'bad';
}

/** A share as a bar: always beside its figure, so that it need not be read out. */
export function Meter({ share, tone }: MeterProps) {
	return (
		<svg className={`meter ${tone}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
			<rect className="track" width="100" height="4" />
			<rect className="value" width={Math.max(0, Math.min(1, share)) * 100} height="4" />
		</svg>
	);
}
