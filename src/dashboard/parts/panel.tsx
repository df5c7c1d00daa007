import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import { ApiError } from '../api/client.ts';

interface PanelProps {
	readonly title: string;
	/** The address's section, where one can jump to this panel. */
	readonly id?: string;
	/** Beside the title: how many, of when. */
	readonly note?: ReactNode;
	readonly tools?: ReactNode;
	readonly className?: string;
	readonly children: ReactNode;
}

export function Panel({ title, id, note, tools, className = '', children }: PanelProps) {
	const headingId = useId();
	return (
		<section
			className={`panel ${className}`}
			id={id}
			aria-labelledby={headingId}
			tabIndex={id === undefined ? undefined : -1}
		>
			<header className="panel-head">
				<h2 id={headingId}>{title}</h2>
				{note === undefined ? null : <span className="note">{note}</span>}
				{tools === undefined ? null : <div className="tools">{tools}</div>}
			</header>
			{children}
		</section>
	);
}

/** What a panel shows while it has nothing to show. The last data stay when a later request fails. */
export function Loaded<T>({
	of,
	children,
}: {
	readonly of: UseQueryResult<T>;
	readonly children: (data: T) => ReactNode;
}) {
	if (of.data !== undefined) return children(of.data);
	if (of.isError)
		return <p className="empty">{isPassing(of.error) ? 'Not loaded yet; trying again.' : of.error.message}</p>;
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

export function Empty({ children }: { readonly children: ReactNode }) {
	return <p className="empty">{children}</p>;
}
