/**
 * A made-up market: log price = octaves of lattice noise with amplitude ∝ √period (a random walk's spectrum, but with
 * random access) + trend regimes of 7 and 31 hours; slow noise modulates the volatility of the short octaves.
 */
import { keyOf, LatticeNoise, signed, stepped, uniform } from './noise.ts';
import { type PathSource, pointsPerMinute } from './path-source.ts';

export interface SyntheticOptions {
	readonly seed: number;
	readonly base: string;
	readonly category: 'spot' | 'linear';
	/** Price around which the market wanders. */
	readonly price: number;
	/** Standard deviation of a one-minute return. */
	readonly sigma: number;
	/** Traded value of an ordinary minute, in the quote coin. */
	readonly minuteValue: number;
	readonly lotsPerUnit: number;
	/** No minute before this one has prices. */
	readonly firstMinute: number;
}

/** 1 minute to 91 days. */
const octaveCount = 18;
/** Octaves up to about an hour breathe with the volatility regime. */
const modulatedOctaves = 7;
/** A trend moves a market a bit less far than the random walk does in the same time: there to be found, never a sure thing. */
const trendShare = 0.8;
/** Each octave adds 2/3·c²/2^k to the variance of a one-minute return, 4/3·c² in all. */
const amplitudePerSigma = 1 / Math.sqrt(4 / 3);

export class SyntheticSource implements PathSource {
	private readonly options: SyntheticOptions;
	private readonly octaves: { readonly noise: LatticeNoise; readonly amplitude: number }[] = [];
	private readonly trends: { readonly noise: LatticeNoise; readonly amplitude: number }[] = [];
	private readonly volatilityFast: LatticeNoise;
	private readonly volatilitySlow: LatticeNoise;
	private readonly basis: LatticeNoise;
	private readonly wiggleKey: number;
	private readonly volumeKey: number;
	private volatility = 1;
	/** The close of the last minute read is the open of the next: one evaluation serves both. */
	private knownMinute = Number.NaN;
	private knownPrice = 0;
	private knownVolatility = 1;

	constructor(options: SyntheticOptions) {
		const { seed, base, category, sigma } = options;
		this.options = options;
		for (let octave = 0; octave < octaveCount; octave += 1) {
			const period = 2 ** octave;
			this.octaves.push({
				noise: new LatticeNoise(keyOf(seed, base, 'octave', octave), period),
				amplitude: sigma * amplitudePerSigma * Math.sqrt(period),
			});
		}
		for (const period of [7 * 60, 31 * 60]) {
			const noise = new LatticeNoise(keyOf(seed, base, 'trend', period), period, stepped);
			this.trends.push({ noise, amplitude: sigma * trendShare * Math.sqrt(period) });
		}
		this.volatilityFast = new LatticeNoise(keyOf(seed, base, 'volatility', 'fast'), 9 * 60);
		this.volatilitySlow = new LatticeNoise(keyOf(seed, base, 'volatility', 'slow'), 48 * 60);
		// Both markets of a base share everything above; the perpetual adds a basis of at most 0.04%.
		this.basis = new LatticeNoise(keyOf(seed, base, 'basis'), 3 * 60);
		this.wiggleKey = keyOf(seed, base, category, 'wiggle');
		this.volumeKey = keyOf(seed, base, category, 'volume');
	}

	minuteWithPrices(minute: number): number | undefined {
		return minute >= this.options.firstMinute ? minute : undefined;
	}

	readPath(minute: number, prices: Float64Array): number {
		if (minute < this.options.firstMinute) return -1;
		const open = this.knownMinute === minute ? this.knownPrice : this.priceAt(minute);
		const volatility = this.knownMinute === minute ? this.knownVolatility : this.volatility;
		const next = this.priceAt(minute + 1);
		this.knownMinute = minute + 1;
		this.knownPrice = next;
		this.knownVolatility = this.volatility;
		const wiggle = this.options.sigma * volatility * 1.2;
		for (let point = 0; point < pointsPerMinute; point += 1) {
			const share = point / pointsPerMinute;
			// A bridge: no wiggle at the open, none at the next minute's open.
			const envelope = Math.sqrt(share * (1 - share));
			const noise = signed(this.wiggleKey, minute * pointsPerMinute + point);
			prices[point] = (open + (next - open) * share) * (1 + wiggle * envelope * noise);
		}
		const move = Math.abs(next / open - 1) / this.options.sigma;
		const activity = volatility * (0.3 + 1.4 * uniform(this.volumeKey, minute)) * (1 + 0.5 * move);
		return Math.max(1, Math.round(((this.options.minuteValue * activity) / open) * this.options.lotsPerUnit));
	}

	private priceAt(minute: number): number {
		this.volatility = Math.exp(0.6 * this.volatilityFast.at(minute) + 0.35 * this.volatilitySlow.at(minute));
		let logarithm = 0;
		for (let octave = 0; octave < octaveCount; octave += 1) {
			const part = this.octaves[octave];
			if (part === undefined) break;
			const value = part.noise.at(minute) * part.amplitude;
			logarithm += octave < modulatedOctaves ? value * this.volatility : value;
		}
		for (const trend of this.trends) logarithm += trend.noise.at(minute) * trend.amplitude;
		if (this.options.category === 'linear') logarithm += 0.0004 * this.basis.at(minute);
		return this.options.price * Math.exp(logarithm);
	}
}
