import type { Check, FactorResult } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Ago, Score, ScoreBar, Status } from '../parts/figures.tsx';
import { Empty } from '../parts/panel.tsx';

/** One check: what it decided and why, and the factors that made its score. */
export function CheckDetails({ check }: { readonly check: Check | null }) {
	if (check === null) return <Empty>This bot has not been checked yet.</Empty>;
	const factors = readFactors(check.factors);
	return (
		<div className="check-body">
			<div className="card-head">
				<Status status={check.outcome} />
				<strong>{check.decision === 'NONE' ? words(check.reason_code) : words(check.decision)}</strong>
				<span className="end muted">
					{check.kind === 'MANUAL' ? 'manual, ' : ''}
					<Ago at={check.due_at} />
				</span>
			</div>
			<p className={check.error === null ? 'muted' : 'bad'}>{check.error ?? check.reason}</p>
			{factors.length === 0 ? null : <FactorTable factors={factors} score={check.score} />}
			<dl className="pairs">
				<dt>Price</dt>
				<dd>{numbers.price(check.price)}</dd>
				<dt>Regime</dt>
				<dd>
					{words(check.regime_direction)}
					{check.regime_volatility === null ? '' : `, ${check.regime_volatility.toLowerCase()} volatility`}
				</dd>
				<dt>Candle</dt>
				<dd>
					<Ago at={check.candle_at} />
				</dd>
				<dt>Data age</dt>
				<dd>{numbers.milliseconds(check.data_age_ms)}</dd>
				<dt>Recorded after</dt>
				<dd>{numbers.milliseconds(check.late_ms)}</dd>
			</dl>
		</div>
	);
}

export function FactorTable({
	factors,
	score,
}: {
	readonly factors: readonly FactorResult[];
	readonly score: number | null;
}) {
	return (
		<table className="factors">
			<caption className="hidden">Factors of the check</caption>
			<thead>
				<tr>
					<th scope="col">Factor</th>
					<th scope="col" className="number">
						Value
					</th>
					<th scope="col" className="number">
						Score
					</th>
					<th scope="col" className="number">
						Weight
					</th>
					<th scope="col" className="number">
						Contribution
					</th>
				</tr>
			</thead>
			<tbody>
				{factors.map((factor) => (
					<tr key={factor.name}>
						<th scope="row">{words(factor.name)}</th>
						<td className="number">{numbers.factorValue(factor.value)}</td>
						<td className="number">{numbers.score(factor.score)}</td>
						<td className="number">{numbers.percent(factor.weight)}</td>
						<td className="number">
							<span className="score">
								{factor.contribution === null ? null : <ScoreBar value={factor.contribution} />}
								<span>{numbers.score(factor.contribution)}</span>
							</span>
						</td>
					</tr>
				))}
			</tbody>
			<tfoot>
				<tr>
					<th scope="row" colSpan={4}>
						Score
					</th>
					<td className="number">
						<Score value={score} />
					</td>
				</tr>
			</tfoot>
		</table>
	);
}

/** Factors are free JSON in the database: what is not a factor is left out. */
export function readFactors(factors: unknown): readonly FactorResult[] {
	return Array.isArray(factors) ? factors.filter(isFactor) : [];
}

function isFactor(value: unknown): value is FactorResult {
	if (typeof value !== 'object' || value === null) return false;
	const { name, weight } = value as Partial<Record<keyof FactorResult, unknown>>;
	return typeof name === 'string' && typeof weight === 'number';
}
