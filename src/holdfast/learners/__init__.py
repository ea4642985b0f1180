"""Estimators in the manner of scikit-learn, and nothing else: the blend, its tuning, its level, its baselines."""
