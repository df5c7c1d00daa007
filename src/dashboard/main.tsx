import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { beginSession } from './api/session.ts';
import { App } from './app.tsx';
import './styles/index.css';

const queries = new QueryClient({
	defaultOptions: {
		// Polling is the retry; what was shown last stays until a newer answer comes.
		queries: { retry: false, refetchOnWindowFocus: true, staleTime: 1_000, gcTime: 600_000 },
		mutations: { retry: false },
	},
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
await beginSession();
createRoot(root).render(
	<StrictMode>
		<QueryClientProvider client={queries}>
			<App />
		</QueryClientProvider>
	</StrictMode>,
);
