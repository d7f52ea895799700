-- Everything the pipelines keep, in types that SQLite and PostgreSQL share. Money is in whole cents, rates are in
-- basis points. Safe to run again: each landing task does.
CREATE TABLE IF NOT EXISTS raw_sales (day DATE NOT NULL, order_id TEXT, unit_id TEXT, region TEXT, category TEXT, business_unit TEXT, currency TEXT, tax_code TEXT, experiment TEXT, variant TEXT, revenue_cents BIGINT);
CREATE TABLE IF NOT EXISTS raw_costs (day DATE NOT NULL, region TEXT, category TEXT, kind TEXT, cost_cents BIGINT);
CREATE TABLE IF NOT EXISTS raw_web_events (day DATE NOT NULL, user_id TEXT, referrer TEXT, events INTEGER);
CREATE TABLE IF NOT EXISTS raw_crm_accounts (day DATE NOT NULL, account_id TEXT, region TEXT, status TEXT);
CREATE TABLE IF NOT EXISTS raw_activity (day DATE NOT NULL, user_id TEXT, region TEXT, experiment TEXT, variant TEXT, sessions INTEGER);
CREATE TABLE IF NOT EXISTS raw_sales_force (day DATE NOT NULL, opportunity_id TEXT, region TEXT, business_unit TEXT, new_accounts INTEGER, revenue_cents BIGINT);
CREATE TABLE IF NOT EXISTS raw_product_b (day DATE NOT NULL, region TEXT, category TEXT, currency TEXT, revenue_cents BIGINT);
CREATE TABLE IF NOT EXISTS master_region (day DATE NOT NULL, region TEXT, business_unit TEXT);
CREATE TABLE IF NOT EXISTS tax_model (tax_code TEXT PRIMARY KEY, rate_bp INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS experiment (experiment TEXT PRIMARY KEY, started DATE);
CREATE TABLE IF NOT EXISTS ddos_referrer (referrer TEXT PRIMARY KEY, why TEXT);
CREATE TABLE IF NOT EXISTS web_anomaly (day DATE NOT NULL, referrer TEXT, why TEXT, events BIGINT, users INTEGER, seen_at TIMESTAMP NOT NULL);

CREATE TABLE IF NOT EXISTS stage_base_profit (day DATE NOT NULL, order_id TEXT, unit_id TEXT, region TEXT, category TEXT, business_unit TEXT, currency TEXT, tax_code TEXT, experiment TEXT, variant TEXT, revenue_cents BIGINT, tax_cents BIGINT);
CREATE TABLE IF NOT EXISTS base_profit (day DATE NOT NULL, order_id TEXT, unit_id TEXT, region TEXT, category TEXT, business_unit TEXT, currency TEXT, tax_code TEXT, experiment TEXT, variant TEXT, revenue_cents BIGINT, tax_cents BIGINT, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_base_engagement (day DATE NOT NULL, user_id TEXT, events INTEGER);
CREATE TABLE IF NOT EXISTS base_engagement (day DATE NOT NULL, user_id TEXT, events INTEGER, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_base_growth (day DATE NOT NULL, region TEXT, experiment TEXT, variant TEXT, users INTEGER, sessions BIGINT, previous_users INTEGER);
CREATE TABLE IF NOT EXISTS base_growth (day DATE NOT NULL, region TEXT, experiment TEXT, variant TEXT, users INTEGER, sessions BIGINT, previous_users INTEGER, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_unit_profit (day DATE NOT NULL, experiment TEXT, variant TEXT, unit_id TEXT, orders INTEGER, profit_cents BIGINT);
CREATE TABLE IF NOT EXISTS unit_profit (day DATE NOT NULL, experiment TEXT, variant TEXT, unit_id TEXT, orders INTEGER, profit_cents BIGINT, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_daily_growth (day DATE NOT NULL, experiment TEXT, variant TEXT, users INTEGER, previous_users INTEGER, growth_bp INTEGER);
CREATE TABLE IF NOT EXISTS daily_growth (day DATE NOT NULL, experiment TEXT, variant TEXT, users INTEGER, previous_users INTEGER, growth_bp INTEGER, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_aggregate_profit (day DATE NOT NULL, period TEXT, period_start DATE, region TEXT, category TEXT, revenue_cents BIGINT, tax_cents BIGINT, cost_cents BIGINT, profit_cents BIGINT);
CREATE TABLE IF NOT EXISTS aggregate_profit (day DATE NOT NULL, period TEXT, period_start DATE, region TEXT, category TEXT, revenue_cents BIGINT, tax_cents BIGINT, cost_cents BIGINT, profit_cents BIGINT, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_aggregate_growth (day DATE NOT NULL, period TEXT, period_start DATE, region TEXT, business_unit TEXT, new_accounts BIGINT, revenue_cents BIGINT, previous_revenue_cents BIGINT, growth_bp BIGINT);
CREATE TABLE IF NOT EXISTS aggregate_growth (day DATE NOT NULL, period TEXT, period_start DATE, region TEXT, business_unit TEXT, new_accounts BIGINT, revenue_cents BIGINT, previous_revenue_cents BIGINT, growth_bp BIGINT, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS stage_aggregate_engagement (day DATE NOT NULL, period TEXT, period_start DATE, active_users INTEGER, events BIGINT, monthly_users INTEGER, dau_mau_bp INTEGER, active_accounts INTEGER);
CREATE TABLE IF NOT EXISTS aggregate_engagement (day DATE NOT NULL, period TEXT, period_start DATE, active_users INTEGER, events BIGINT, monthly_users INTEGER, dau_mau_bp INTEGER, active_accounts INTEGER, published_at TIMESTAMP NOT NULL);
