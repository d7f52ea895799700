-- Taxes in tax_model that the transformation does not know: published, they would be missing from the figures.
SELECT tax_code FROM tax_model WHERE tax_code NOT IN ({% include 'aggregate_profit/known_taxes.sql' %});
