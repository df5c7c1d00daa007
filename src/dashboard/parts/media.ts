import { useSyncExternalStore } from 'react';

/** Whether a media query holds; follows its changes. */
export function useMedia(query: string): boolean {
	return useSyncExternalStore(
		(listener) => {
			const media = window.matchMedia(query);
			media.addEventListener('change', listener);
			return () => media.removeEventListener('change', listener);
		},
		() => window.matchMedia(query).matches,
	);
}

export const useIsPhone = (): boolean => useMedia('(max-width: 640px)');
