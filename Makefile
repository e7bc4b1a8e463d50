setup:
	@bash .ci/setup.sh
