export { adam, adamRows } from './embedding/adam';
export { adamItems, bucketPulls, spreadItems, sumParts } from './embedding/adapt';
export { buildUnigramTable } from './embedding/alias';
export { choleskyInverse, choleskyWorkspaceBytes } from './dense/cholesky';
export { alsRows } from './embedding/als';
export { dropEdges, pairDecay, pairGradients, pairWeights, propagateOnto } from './embedding/bpr';
export { dropout } from './embedding/dropout';
export { eliminate } from './sparse/elimination';
export { gemmNN, gemmNT, gemmTN, gemmWorkspaceBytes, packColumns } from './dense/gemm';
export { gramCount, gramFill } from './sparse/gram';
export { countCore, findNearest, findTails } from './sparse/co-purchases';
export { chooseItems, keepColumns, solveGroup } from './sparse/groups';
export { addGradients, partition } from './embedding/gather';
export { historyRows } from './embedding/history';
export { margin } from './embedding/margin';
export { exp, log, pow } from './core/math';
export { cutColumns, normaliseRows, propagate } from './embedding/propagate';
export { fillUniform, shuffle } from './core/random';
export { jaccardRows } from './sparse/jaccard';
export { rp3betaRows } from './sparse/rp3beta';
export { slimColumns } from './sparse/slim';
export { walkScoreRows } from './sparse/walk-scores';
export { sampleDistinct } from './serving/sample';
export { addBias, addCosines, dot, meanRows, scoreLinear, scoreSumsAndMaxima, termsBatch } from './serving/score';
export { maskBatch, scanBatch, searchBatch, shortenRows } from './serving/search';
export { countSimilar, fillSimilar, inverseDiagonal } from './dense/similarity';
export { addGramProduct, joinPanels } from './embedding/singular';
export { skipgram, skipgramScratchBytes } from './embedding/skipgram';
export { solvePanels, solveScratchBytes } from './dense/solve';
export { softmax } from './embedding/softmax';
export { fillColumns, markColumns, unpermute } from './sparse/similar-columns';
export { invertLeading, invertSwept } from './sparse/supernode-inverse';
export { putTileRow, updatePanels, updateTile } from './sparse/supernode';
export { sweepFinish, sweepPanel, sweepPivot, sweepSlotBytes, sweepUpdate } from './dense/sweep';
export { topK } from './serving/topk';
export { transposeMatrix, transposePattern } from './sparse/transpose';
export { addInto, addRows, clear, unitRows, unitRowsBackward } from './core/vector';
export { countVisits, walk, walkWeights } from './embedding/walk';
export { unitise, widenBytes, widenHalves } from './serving/widen';
export { addProducts, gatherRows, narrow } from './dense/woodbury';
export { activate, activateBackward } from './nets/dense';
export { crossEntropy, multinomial } from './nets/loss';
export {
  addProduct,
  addRowDots,
  addTimes,
  addWeighedRows,
  blendMoments,
  multiplyRows,
  normaliseBy,
  normaliseColumns,
  normaliseColumnsBackward,
  softmaxRows,
  softmaxRowsBackward,
  takeRows,
} from './nets/rows';
export { addDropped, drawLatent, drawLatentBackward, drawSamples } from './nets/sample';
export { addSamples, addWeighted, drawHistories, stepParameters, stepTable } from './nets/table';
