import { type ReactNode, useEffect, useId } from 'react';
import { ApiError } from '../api/client.ts';

interface PanelProps {
	readonly title: string;
	/** Beside the title: how many, of when. */
	readonly note?: ReactNode;
	readonly tools?: ReactNode;
	readonly className?: string;
	readonly children: ReactNode;
}

export function Panel({ title, note, tools, className = '', children }: PanelProps) {
	const headingId = useId();
	return (
		<section className={`panel ${className}`} aria-labelledby={headingId}>
			<header className="panel-head">
				<h2 id={headingId}>{title}</h2>
				{note === undefined ? null : <span className="note">{note}</span>}
				{tools === undefined ? null : <div className="tools">{tools}</div>}
			</header>
			{children}
		</section>
	);
}

/** The page's own part of a request's state. */
interface Asked<T> {
	readonly data: T | undefined;
	readonly isError: boolean;
	readonly error: Error | null;
}

/** What a panel shows while it has nothing to show. The last data stay when a later request fails. */
export function Loaded<T>({ of, children }: { readonly of: Asked<T>; readonly children: (data: T) => ReactNode }) {
	if (of.data !== undefined) return children(of.data);
	if (of.isError)
		return (
			<p className="empty">
				{of.error === null || isPassing(of.error) ? 'Not loaded yet; trying again.' : of.error.message}
			</p>
		);
	return (
		<div className="loading" role="status">
			<span className="hidden">Loading</span>
			<span />
			<span />
			<span />
		</div>
	);
}

/** What the banner already says, and what passes by itself. */
function isPassing(error: Error): boolean {
	return error instanceof ApiError && (error.status === 0 || error.status === 503);
}

/** The head of a view: its title, what it is about, and what one can do. */
export function ViewHead({ title, note, children }: ViewHeadProps) {
	useEffect(() => {
		document.title = title === 'Overview' ? 'botbox' : `${title} · botbox`;
	}, [title]);
	return (
		<div className="title">
			<h1>{title}</h1>
			{note === undefined ? null : <span className="muted">{note}</span>}
			{children === undefined ? null : <div className="actions">{children}</div>}
		</div>
	);
}
interface ViewHeadProps {
	readonly title: string;
	readonly note?: ReactNode;
	readonly children?: ReactNode;
}

export function Empty({ children }: { readonly children: ReactNode }) {
	return <p className="empty">{children}</p>;
}
