/** The common question to each view of schema reporting that analysts read: what the benchmark times. */
export const questions: Readonly<Record<string, string>> = {
	bot_status: 'select * from reporting.bot_status',
	check_activity_hourly: 'select * from reporting.check_activity_hourly order by hour_at',
	signals: `select * from reporting.signals where created_at > now() - interval '4 hours' order by created_at desc`,
	rejection_reasons: 'select * from reporting.rejection_reasons order by signals desc',
	signal_acceptance: 'select * from reporting.signal_acceptance order by day_at',
	queue_status: 'select * from reporting.queue_status',
	execution_latency: 'select * from reporting.execution_latency order by hour_at',
	fill_quality: `
		select symbol, count(*) as orders, avg(slippage_bps) as slippage_bps, sum(slippage) as slippage
		  from reporting.fill_quality where created_at > now() - interval '7 days' group by symbol`,
	positions: `select * from reporting.positions where status = 'OPEN'`,
	trades: 'select * from reporting.trades order by queued_at desc limit 500',
	round_trips: `
		select strategy, count(*) as trips, avg(is_won::integer) as win_rate, sum(net_pnl) as net_pnl
		  from reporting.round_trips where closed_at > now() - interval '30 days' group by strategy`,
	bot_pnl: 'select * from reporting.bot_pnl',
	account_equity: `select * from reporting.account_equity where at > now() - interval '24 hours' order by at`,
	strategy_performance: 'select * from reporting.strategy_performance',
	economics: `
		select strategy, sum(gross_pnl) as gross, sum(fees) as fees, sum(funding) as funding, sum(slippage) as slippage, sum(net_pnl) as net
		  from reporting.economics where opened_at > now() - interval '7 days' group by strategy`,
	exchange_usage: 'select * from reporting.exchange_usage',
	data_freshness: 'select * from reporting.data_freshness',
	signal_capture: 'select * from reporting.signal_capture order by day_at',
	uptime: 'select * from reporting.uptime order by hour_at',
	alerts: 'select * from reporting.alerts where is_open',
	worker_status: 'select * from reporting.worker_status',
	overview: 'select * from reporting.overview',
	accounts: 'select * from reporting.accounts',
	exchange_health: 'select * from reporting.exchange_health',
};

/** The same for one bot or strategy, or a week: what a person or a BI tool asks next. */
export const narrowed: Readonly<Record<string, string>> = {
	'bot_status, one bot': `select * from reporting.bot_status where name = 'bench-7'`,
	'bot_status, first page': 'select * from reporting.bot_status order by bot_id limit 50',
	'bot_pnl, one bot': `select * from reporting.bot_pnl where bot = 'bench-7'`,
	'check_hours, one bot': 'select * from reporting.check_hours where bot_id = 7 order by hour_at',
	'signals, one bot, 7 days': `
		select * from reporting.signals where bot_id = 7 and created_at > now() - interval '7 days' order by created_at desc`,
	'signals, one strategy, 7 days': `
		select date_trunc('day', created_at) as day_at, count(*) from reporting.signals
		 where strategy = 'scalping' and created_at > now() - interval '7 days' group by 1`,
	'trades, one bot': 'select * from reporting.trades where bot_id = 7 order by queued_at desc limit 500',
	'round_trips, one bot': 'select * from reporting.round_trips where bot_id = 7 order by closed_at',
	'round_trips, one strategy, 7 days': `
		select bot, sum(net_pnl) as net_pnl from reporting.round_trips
		 where strategy = 'scalping' and closed_at > now() - interval '7 days' group by bot`,
	'economics, one bot': 'select * from reporting.economics where bot_id = 7',
	'fill_quality, one bot': 'select * from reporting.fill_quality where bot_id = 7',
	'account_equity, one account, 30 days': `
		select at, equity from reporting.account_equity where account_id = 2 and at > now() - interval '30 days' order by at`,
};

/** All of it, as a BI tool that imports a view asks: counted, since sending a million rows is the network's and the client's time. */
export const whole: readonly string[] = [
	'signals',
	'trades',
	'orders',
	'fill_quality',
	'round_trips',
	'economics',
	'account_equity',
	'check_hours',
];
